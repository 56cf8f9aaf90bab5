import sys

import datasets
import pytest

from accord.core.errors import DataError, InputError, MissingExtra
from accord.data import Labelled, Scored, read
from accord.data.sources import Hub

FEATURES = datasets.Features(
    {
        "sentence1": datasets.Value("string"),
        "sentence2": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["different", "same"]),
    }
)


@pytest.fixture(scope="module")
def rows():
    columns = {"sentence1": ["a", "b", "c"], "sentence2": ["d", "e", "f"], "label": [0, 1, -1]}
    return datasets.Dataset.from_dict(columns, features=FEATURES)


@pytest.fixture(scope="module")
def folder(rows, tmp_path_factory):
    """A data set as it lies on the hub: a folder of Parquet files named by their splits."""
    path = tmp_path_factory.mktemp("hub") / "pairs"
    path.mkdir()
    datasets.disable_progress_bars()
    rows.select([0, 1]).to_parquet(str(path / "train.parquet"))
    rows.to_parquet(str(path / "test.parquet"))
    return path


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def test_a_local_data_set(folder):
    table = Hub(str(folder)).load()
    assert table.to_pylist() == [
        {"id": "0", "sentence1": "a", "sentence2": "d", "label": 0, "label_text": "different"},
        {"id": "1", "sentence1": "b", "sentence2": "e", "label": 1, "label_text": "same"},
    ]
    test = Hub(str(folder), split="test", columns=["sentence1", "label"]).load()
    assert test.column("label_text").to_pylist() == ["different", "same", None]
    assert test.column_names == ["id", "sentence1", "label", "label_text"]


def test_read_by_its_short_name(folder):
    found = read(f"hub:{folder}@train")
    assert type(found) is Scored and found.column("score") == [0.0, 1.0]
    assert found.origin == f"hub:{folder}@train"
    named = read(f"hub:{folder}", signal=Labelled, columns={"text": "sentence1", "label": "label_text"})
    assert named.column("label") == ["different", "same"]
    with pytest.raises(DataError, match=r"hub:.*@test, row 3: `label_text` is missing"):
        read(f"hub:{folder}@test", signal=Labelled, columns={"text": "sentence1", "label": "label_text"})


def test_a_folder_as_save_to_disk_writes_it(rows, tmp_path):
    datasets.DatasetDict(train=rows, dev=rows).save_to_disk(str(tmp_path / "all"))
    rows.save_to_disk(str(tmp_path / "one"))
    assert Hub(str(tmp_path / "all"), split="dev").load().num_rows == 3
    assert Hub(str(tmp_path / "one")).load().num_rows == 3
    with pytest.raises(DataError, match=r"there is no split `tran`\. Did you mean `train`"):
        Hub(str(tmp_path / "all"), split="tran").load()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hub:owner/name", Hub("owner/name")),
        ("hub:owner/name@dev", Hub("owner/name", split="dev")),
        ("hub:owner/name/pair-class@dev", Hub("owner/name", "pair-class", "dev")),
        ("hub:imdb", Hub("imdb")),
        ("hub:./folder/sub@test", Hub("./folder/sub", split="test")),
        ("hub:/abs/folder", Hub("/abs/folder")),
    ],
)
def test_short_names(text, expected):
    assert repr(Hub.parse(text)) == repr(expected)


@pytest.mark.parametrize("text", ["hub:", "hub:a/b/c/d", "hub:owner name", "hub:owner/name@", "hub:@dev"])
def test_other_short_names_are_refused(text):
    with pytest.raises(InputError, match=r"must read hub:owner/name\[/config\]"):
        Hub.parse(text)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"split": "dev"}, 'Unknown split "dev"'),
        ({"config": "other"}, "'other' not found"),
        ({"columns": ["sentence"]}, "no column `sentence`. Did you mean `sentence"),
    ],
)
def test_what_the_data_set_lacks_is_named(change, match, folder):
    with pytest.raises(DataError, match=match):
        Hub(str(folder), **change).load()


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        Hub(str(tmp_path / "none")).load()


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("Couldn't reach 'o/n' on the Hub (LocalEntryNotFoundError)"),
        OSError("We couldn't connect: Connection refused"),
        datasets.exceptions.DatasetsError("Offline mode is enabled: offline"),
    ],
)
def test_without_a_network_the_way_out_is_said(error, monkeypatch):
    def load_dataset(*arguments, **options):
        assert "trust_remote_code" not in options
        raise error

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match=r"hub:o/n@train: the hub cannot be reached.*hf download o/n --repo"):
        Hub("o/n").load()


def test_a_data_set_that_is_not_there(monkeypatch):
    def load_dataset(*arguments, **options):
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'o/n' doesn't exist on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match="no such data set, or it is private or gated"):
        Hub("o/n").load()


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"Reading hub:o/n@train needs .*pip install 'accord\[hub\]'"):
        Hub("o/n").load()


def test_bars_are_left_as_they_were(folder):
    datasets.enable_progress_bars()
    Hub(str(folder)).load()
    assert not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    Hub(str(folder)).load()
    assert datasets.are_progress_bars_disabled()


def test_in_a_recipe(folder, tmp_path):
    from accord.recipes.recipe import Recipe

    spec = {
        "format": "accord-recipe/1",
        "encoder": {"model": "m"},
        "sources": {"a": "hub:owner/name/pair@dev", "b": f"hub:{folder}", "c": {"Hub": {"name": "./rows"}}},
        "tasks": {"t": {"source": "a", "objective": "InfoNCE", "evaluate": "Retrieval"}},
        "train": {"steps": 1},
    }
    (tmp_path / "recipe.yaml").write_text(__import__("json").dumps(spec))
    sources = Recipe.load(tmp_path / "recipe.yaml").resolved()["sources"]
    assert sources["a"] == {"Hub": {"name": "owner/name", "config": "pair", "split": "dev"}}
    assert sources["b"] == {"Hub": {"name": str(folder)}}
    assert sources["c"] == {"Hub": {"name": str(tmp_path / "rows")}}
