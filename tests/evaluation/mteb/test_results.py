import json

import pytest

from accord.core.errors import DataError, InputError
from accord.evaluation.mteb import MtebResult, mteb_name, read_mteb_results, result_place, write_mteb_results


@pytest.fixture
def results():
    rules = {"task": "Names", "mteb_version": "2.26.24", "revision": "abc"}
    return [
        MtebResult(main_score=0.51234567, scores={"accuracy": 0.51234567, "f1": 0.4}, subset="deu", **rules),
        MtebResult(main_score=0.25, scores={"accuracy": 0.25}, subset="fra", notes={"interval": [0.2, 0.3]}, **rules),
        MtebResult(main_score=None, split="dev", languages=("deu-Latn",), **rules),
    ]


def test_what_is_written_comes_back(tmp_path, results):
    path = write_mteb_results(tmp_path, results, model="org/name", revision="7", seconds=1.5)
    assert path == tmp_path / "org__name" / "7" / "Names.json"
    for place in (path, path.parent, tmp_path):
        back = read_mteb_results(place)
        assert [(r.split, r.subset, r.main_score) for r in back] == [
            ("test", "deu", 0.512346),
            ("test", "fra", 0.25),
            ("dev", "default", None),
        ]
        assert back[0].scores == {"accuracy": 0.512346, "f1": 0.4}
        assert back[1].notes == {"interval": [0.2, 0.3]}
        assert {(r.task, r.mteb_version, r.revision, r.model, r.model_revision) for r in back} == {
            ("Names", "2.26.24", "abc", "org/name", "7")
        }


def test_layout_is_that_of_mteb(tmp_path, results):
    value = json.loads(write_mteb_results(tmp_path, results, model="m", revision="7").read_text())
    assert list(value) == [
        "dataset_revision",
        "task_name",
        "mteb_version",
        "scores",
        "evaluation_time",
        "kg_co2_emissions",
        "date",
        "evaluation_phases",
    ]
    assert value["scores"]["test"][0]["main_score"] == 0.512346
    assert value["scores"]["test"][0]["languages"] == ["und"]


def test_names_of_metrics_and_places(tmp_path):
    assert [mteb_name(m, {"macro_f1": "f1"}) for m in ("nDCG@10", "MAP@1000", "HitRate@1", "macro_f1", "accuracy")] == [
        "ndcg_at_10",
        "map_at_1000",
        "hit_rate_at_1",
        "f1",
        "accuracy",
    ]
    place = result_place(tmp_path, model="/runs/my model:1", revision="r", task="T")
    assert place == tmp_path / "runs__my_model_1" / "r" / "T.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "must hold a JSON object"),
        ('{"mteb_dataset_name": "x"}', "needs `task_name` and `scores`"),
        ('{"task_name": "x", "scores": {"test": {"main_score": 1}}}', "a list with an object for each subset"),
        ('{"task_name": "x", "scores": {"test": [{"main_score": 1}]}}', "lacks `main_score` or `hf_subset`"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_mteb_results(tmp_path / "x.json")


def test_nothing_to_read_or_to_write(tmp_path, results):
    for place, message in ((tmp_path / "absent", "does not exist"), (tmp_path, "holds no result of mteb")):
        with pytest.raises(DataError, match=message):
            read_mteb_results(place)
    with pytest.raises(InputError, match="holds one task"):
        write_mteb_results(tmp_path, [results[0], MtebResult(task="Other", main_score=1.0)], model="m", revision="r")
