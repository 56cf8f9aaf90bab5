"""The main job on a tiny encoder: all of the run folder, resumed after any stop, refused when it makes no sense."""

import json
import os
import shutil
import signal

import numpy as np
import pytest

import accord
from accord.core.errors import InputError, RecipeError
from accord.core.interrupts import Interrupted
from accord.encoders import load
from accord.evaluation import read_examples
from accord.recipes.run_folder import RunFolder


@pytest.fixture
def run(finished, tmp_path):
    """A finished run of the job, of which the test may do what it likes."""
    return accord.open_run(shutil.copytree(finished, tmp_path / "run"))


def test_the_run_folder_holds_what_was_promised(run, same_job):
    names = {p.name for p in run.path.iterdir()}
    assert {"recipe.yaml", "results.json", "steps.jsonl", "examples", "models", "model", "index"} <= names
    assert accord.Recipe.load(run.path).resolved() == same_job.resolved()
    results = json.loads((run.path / "results.json").read_text())
    assert {"format", "scores", "comparisons", "environment", "seeds", "data_hashes", "seconds"} <= set(results)
    assert {s["model"] for s in results["scores"]} == {"base", "joint", "single:faq", "single:topic"}
    against = {(c["a"], c["b"], c["task"]) for c in results["comparisons"]}
    assert ("joint", "base", "faq") in against
    assert ("joint", "single:topic", "topic") in against
    assert ("joint", "single:topic", "faq") not in against


def test_single_task_runs_see_the_very_batches_of_the_joint_run(run):
    rows = [json.loads(line) for line in RunFolder(run.path).steps.read_text().splitlines()]
    for task in ("faq", "topic"):
        joint = [(r["examples"], r["tokens"]) for r in rows if r["run"] == "joint" and r["task"] == task]
        alone = [(r["examples"], r["tokens"]) for r in rows if r["run"] == f"single:{task}"]
        assert alone == joint


def test_scores_are_the_means_of_the_kept_examples(run):
    kept = {(o.model, o.measured.metric): o.measured for o in read_examples(run.path / "examples" / "faq.parquet")}
    for score in run.results.scores:
        if score.task == "faq":
            assert np.isclose(kept[score.model, score.metric].columns["value"].mean(), score.score)


@pytest.mark.slow
def test_the_model_is_saved_the_index_answers_and_the_fit_can_be_compared(run, job, tmp_path):
    assert np.allclose(run.model.encode("read the file"), load(str(run.path / "model")).encode("read the file"))
    hits = accord.open(run.path).search("read the file", k=3)
    assert len(hits) == 3
    other = accord.fit(job.replace({"train.steps": 2}), out=tmp_path / "other")
    found = accord.compare(run.path, other.path)
    assert [c.task for c in found] == ["faq", "topic", "topic"]
    with pytest.raises(InputError, match="test rows of `faq` differ"):
        changed = accord.fit(job.replace({"tasks.faq.split.test": 0.5, "train.steps": 1}), out=tmp_path / "third")
        accord.compare(run.path, changed.path)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [("joint", 3), ("single:faq", 2), ("single:topic", 1)])
def test_stopped_anywhere_and_resumed_it_gives_the_same_results(job, run, tmp_path, stop):
    out = tmp_path / "stopped"

    def interrupt(record):
        if (record.run, record.step) == stop:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match=f"accord fit {out} --out {out} --resume"):
        accord.fit(job, out=out, on_step=interrupt)
    assert not (out / "results.json").exists()
    again = accord.fit(job, out=out, resume=True)
    assert again.results.scores == run.results.scores
    assert again.results.comparisons == run.results.comparisons
    logs = [
        [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in p.read_text().splitlines()]
        for p in (out / "steps.jsonl", run.path / "steps.jsonl")
    ]
    assert sorted(logs[0], key=str) == sorted(logs[1], key=str)


def test_a_finished_run_is_opened_and_not_run_again(run, same_job):
    def refuse(record):
        raise AssertionError(record)

    again = accord.fit(same_job, out=run.path, resume=True, on_step=refuse).results
    assert again.to_json() == run.results.to_json()


def test_a_folder_with_another_run_is_refused(run, same_job, tmp_path):
    with pytest.raises(InputError, match="--resume"):
        accord.fit(same_job, out=run.path)
    with pytest.raises(InputError, match="another recipe: `train` differs"):
        accord.fit(same_job.replace({"train.steps": 3}), out=run.path, resume=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        accord.fit(same_job, out=tmp_path / "full")


@pytest.mark.slow
def test_a_damaged_model_of_an_earlier_stage_is_named(same_job, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "copy")
    copy = RunFolder(tmp_path / "copy")
    copy.results.unlink()
    (copy.trained("single:faq") / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors"):
        accord.fit(same_job, out=copy.path, resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks.faq.columns.positive": "anwser"}, "tasks.faq: "),
        ({"tasks.faq.objective": "SupCon"}, "tasks.faq: objective: the objective asks for `scores` as (n, n)"),
        ({"tasks.faq.objective": {"InfoNCE": {"temprature": 1}}}, "Did you mean `temperature`"),
        ({"tasks.faq.evaluate": "Clustering"}, "Clustering judges Labelled, and this task is Pairs"),
        ({"tasks.topic.min_per_label": 500}, "tasks.topic: "),
        ({"tasks.topic.evaluate": ["Classification", {"Classification": {"probe": "knn"}}]}, "`accuracy` twice"),
        ({"sources.faq": "missing.jsonl"}, "missing.jsonl"),
        ({"index.column": "anser"}, "Did you mean `answer`"),
        ({"encoder.model": "nowhere/at-all"}, "nowhere/at-all"),
        ({"train.sampler": "Temprature"}, "Did you mean `Temperature`"),
        ({"train.optimizer": {"AdamW": {"lr": -1}}}, "`lr` must be positive"),
    ],
)
def test_plan_says_what_fit_would_refuse(job, change, message):
    found = accord.plan(job.replace(change))
    assert message in found.problems[0]
    assert found.seconds == 0


def test_plan_of_a_good_recipe(job):
    found = accord.plan(job)
    assert found.problems == []
    assert [row["name"] for row in found.tasks] == ["faq", "topic"]
    assert sum(row["steps"] for row in found.tasks) == 8
    assert found.seconds > 0
    assert {"train joint", "train each task alone", "evaluate", "index"} <= set(found.stages)


def test_leaks_leave_the_training_rows_or_stop_the_run(job, tmp_path):
    rows = (tmp_path / "faq.jsonl").read_text().splitlines()
    (tmp_path / "faq.jsonl").write_text(
        "\n".join(rows + [row.upper().replace("QUESTION", "question").replace("ANSWER", "answer") for row in rows])
    )
    found = accord.plan(job)
    assert sum(row["dropped"] for row in found.tasks) > 10
    assert any(row["kind"] == "text" for row in found.leakage)
    with_rule = accord.plan(job.replace({"leakage": "refuse"}))
    assert "also stand in a dev or test split" in with_rule.problems[0]


@pytest.mark.slow
def test_tasks_made_in_python(tmp_path, tiny_folder):
    rows = {"anchor": [f"open file {i}" for i in range(40)], "positive": [f"file {i} opened" for i in range(40)]}
    task = accord.Task(
        "faq", accord.Pairs.of(rows), objective=accord.InfoNCE(temperature=0.1), evaluate=accord.Retrieval(),
        split={"test": 0.3}, prompts={"query": "find "},
    )  # fmt: skip
    recipe = accord.recipe_of([task], folder=tmp_path / "data", encoder=str(tiny_folder), steps=2, batch=8)
    run = accord.fit(recipe, out=tmp_path / "run")
    assert run.model.prompts["faq-query"] == "find "
    with pytest.raises(InputError, match="at least one task"):
        accord.recipe_of([], folder=tmp_path, encoder="x", steps=1)
    with pytest.raises(RecipeError):
        accord.recipe_of([task], folder=tmp_path / "bad", encoder="x", stepz=1)


@pytest.mark.slow
def test_several_seeds_give_several_joint_models_and_one_comparison(job, tmp_path):
    small = job.replace({"seeds": [0, 1], "train.steps": 2, "evaluate.baselines": ["base"]})
    run = accord.fit(small, out=tmp_path / "seeds")
    joint = [s for s in run.results.scores if s.model == "joint" and s.task == "faq"]
    assert sorted(s.seed for s in joint) == [0, 1]
    assert len([c for c in run.results.comparisons if c.task == "faq"]) == 1
    assert set(run.models) == {"joint", "joint@1"}


@pytest.mark.slow
def test_evaluate_compares_each_model_with_the_first(job, run):
    base = load(job.spec.encoder.model, max_length=16)
    found = accord.evaluate([base, run.path / "model"], job)
    assert {c.b for c in found.comparisons} == {"model-0"}
    scored = {(s.task, s.metric): s.score for s in found.scores if s.model == str(run.path / "model")}
    before = {(s.task, s.metric): s.score for s in run.results.scores if s.model == "joint"}
    assert scored == pytest.approx(before)
    assert set(found.examples) == {"faq", "topic"}
