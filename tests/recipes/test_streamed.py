"""A recipe whose source stays on the disk: trained like any other; what needs all rows is refused."""

import json

import pytest
import yaml

from accord.core.errors import InputError
from accord.data.streams import Stream
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.prepare import prepare
from accord.recipes.recipe import Recipe


@pytest.fixture
def streamed(tmp_path, tiny_folder, monkeypatch):
    """Changes to a recipe of one streamed task -> the recipe."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lines = [{"question": f"read the file {i}", "answer": f"open row {i} of a list"} for i in range(90)]
    for name, rows in (("train", lines[:75]), ("dev", lines[75:80]), ("test", lines[78:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(tiny_folder), "max_length": 16},
        "sources": {
            "large": {"File": {"path": "train.jsonl", "stream": True}},
            "dev": "dev.jsonl",
            "test": "test.jsonl",
        },
        "tasks": {
            "faq": {
                "source": "large",
                "dev_source": "dev",
                "test_source": "test",
                "columns": {"anchor": "question", "positive": "answer"},
                "objective": "InfoNCE",
                "evaluate": {"Retrieval": {"metrics": ["nDCG@10"], "primary": "nDCG@10"}},
            }
        },
        "train": {"batch": 8, "steps": 4, "precision": "float32"},
        "evaluate": {"resamples": 200, "precision": "float32", "baselines": ["base"]},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value))
    return lambda **changes: Recipe.load(path).replace({key.replace("__", "."): new for key, new in changes.items()})


def test_train_rows_stay_on_the_disk_and_leaks_are_dropped(streamed, tmp_path):
    with (tmp_path / "train.jsonl").open("a") as handle:
        handle.write(json.dumps({"question": "Read the  FILE 85", "answer": "a leak"}) + "\n")
    task = prepare(streamed()).tasks["faq"]
    assert isinstance(task.train, Stream)
    assert (len(task.train), task.dropped, len(task.dev), len(task.test)) == (75, 1, 5, 12)
    assert not plan(streamed()).problems


@pytest.mark.slow
def test_fit_trains_measures_and_reports(streamed, tmp_path):
    run = fit(streamed(), out=tmp_path / "run")
    assert {row.model for row in run.results.scores} == {"base", "joint"}
    assert run.results.details["tasks"][0]["signal"] == "Pairs"
    assert len((tmp_path / "run" / "steps.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tasks__faq__test_source": None}, "no test part can be split off it"),
        ({"tasks__faq__test_source": "large"}, "`large` is streamed, and a dev or test part is read whole"),
        ({"tasks__faq__dev_source": None, "train__early_stopping": {"every": 2}}, "Name a `dev_source`"),
        ({"index": {"task": "faq", "column": "answer"}}, "is streamed, and an index holds all its texts"),
        ({"tasks__faq__objective": "SupCon"}, "labels"),
    ],
)
def test_what_needs_all_rows_is_refused_before_anything_is_trained(streamed, changes, words):
    problems = plan(streamed(**changes)).problems
    assert len(problems) == 1
    assert words in problems[0]


def test_a_streamed_task_without_dev_rows_is_fine_without_early_stopping(streamed):
    assert not len(prepare(streamed(tasks__faq__dev_source=None)).tasks["faq"].dev)
    with pytest.raises(InputError, match=r"tasks\.faq"):
        prepare(streamed(tasks__faq__columns={"anchor": "no such column", "positive": "answer"}))
