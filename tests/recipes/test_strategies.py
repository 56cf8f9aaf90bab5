"""Joint, balanced, merged or chosen: what each strategy makes of a tiny job, also after a stop, and what is refused."""

import json
import math
import os
import re
import signal
from types import SimpleNamespace

import pytest
import torch

import accord
from accord.core.errors import InputError, RecipeError
from accord.core.interrupts import Interrupted
from accord.encoders import load
from accord.encoders.task_names import task_token
from accord.merging.methods import TaskArithmetic
from accord.objectives import InfoNCE
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.run_folder import RunFolder
from accord.recipes.sharing import check_sharing, merge_of
from accord.recipes.strategies import auto

SHORT = {"train.steps": 4, "train.checkpoint_every": 2, "index": None, "evaluate.baselines": []}
PROMPTS = {"tasks.faq.prompts": {"query": "query: "}, "tasks.topic.prompts": {"document": "text: "}}


def stop_at(run, step, task):
    def listen(record):
        if (record.run, record.step, record.task) == (run, step, task):
            os.kill(os.getpid(), signal.SIGINT)

    return listen


def weights_of(path):
    return load(str(path), device="cpu").state_dict()


def verdict(word):
    """A stand-in for the measurement of conflict."""

    def measured(encoder, tasks, settings, **rules):
        estimate = SimpleNamespace(value=0.1, low=math.nan, high=0.2)
        pair = SimpleNamespace(a=tasks[0].name, b=tasks[1].name, verdict=word, batch_cosine=estimate, margin=math.inf)
        return SimpleNamespace(verdict=word, pairs=[pair], seconds=0.5, notes=[])

    return measured


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train.strategy": "blended"}, "input should be 'joint', 'balanced', 'merged' or 'auto'"),
        ({"train.balance": "UPGrad"}, "`train.balance` says how `balanced` is made, and `train.strategy` is `joint`"),
        ({"train.merge": "Linear"}, "`train.merge` says how `merged` is made"),
        ({"train.strategy": "merged", "train.balance": "UPGrad"}, "add `balanced` to `evaluate.baselines`"),
        ({"train.strategy": "joint", "train.auto": {"budget": 2}}, "`train.auto` is of `strategy: auto`"),
        ({"train.strategy": "auto", "train.auto": {"budgte": 2}}, "Did you mean `budget`"),
        ({"train.strategy": "auto", "train.auto": {"budget": 0.5}}, "greater than or equal to 1. Got 0.5"),
        ({"evaluate.baselines": ["merge"]}, "Got 'merge'"),
    ],
)
def test_what_means_nothing_is_refused_at_once(job, change, message):
    with pytest.raises(RecipeError) as caught:
        job.replace(change)
    assert message in str(caught.value)


@pytest.mark.parametrize("strategy", ["balanced", "merged", "auto"])
def test_one_task_has_nothing_to_share(job, strategy):
    one = {"faq": job.value["tasks"]["faq"]}
    with pytest.raises(RecipeError, match=f"`{strategy}` is for several tasks, and there is one"):
        job.replace({"tasks": one, "train.strategy": strategy})
    with pytest.raises(RecipeError, match="`merged` is for several tasks"):
        job.replace({"tasks": one, "evaluate.baselines": ["merged"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train.strategy": "merged", "train.merge": "Linaer"}, "Did you mean `Linear`"),
        ({"train.strategy": "merged", "train.merge": {"Linear": {"wieghts": 1}}}, "Did you mean `weights`"),
        ({"train.strategy": "merged", "train.merge": {"Linear": {"weights": [1, 2, 3]}}}, "each of 2 models. Got 3"),
        ({"evaluate.baselines": ["merged"], "train.merge": "SelfPositoning"}, "Did you mean `SelfPositioning`"),
        ({"train.strategy": "balanced", "train.balance": "UPGrid"}, "Did you mean `UPGrad`"),
        ({"train.strategy": "balanced", "train.batch": 4}, "needs at least 6 examples"),
        (
            {"train.strategy": "auto", "tasks.faq.split.dev": 0.0},
            "`strategy: auto` chooses by the dev parts",
        ),
    ],
)
def test_what_cannot_be_done_is_found_by_plan_and_leaves_no_folder(job, tmp_path, change, message):
    changed = job.replace(change)
    assert message in plan(changed).problems[0]
    with pytest.raises(InputError, match=re.escape(message)):
        fit(changed, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_objective_with_weights_of_its_own_is_no_probe(job):
    plain = job.replace({"train.strategy": "merged"})
    check_sharing(plain, {"topic": torch.nn.Linear(2, 2)})
    with pytest.raises(RecipeError, match="Linear of `topic` has weights of its own"):
        check_sharing(plain.replace({"train.merge": "ATLAS"}), {"faq": InfoNCE(), "topic": torch.nn.Linear(2, 2)})


def test_balanced_and_merged_stand_beside_joint_unless_told_otherwise(job):
    value = {key: part for key, part in job.value["evaluate"].items() if key != "baselines"}
    plain = job.replace({"evaluate": value})
    assert plain.spec.evaluate.baselines == ["base", "single-task"]
    assert plain.replace({"train.strategy": "merged"}).spec.strategies == ["merged", "joint"]
    assert plain.replace({"train.strategy": "auto"}).resolved()["train"]["auto"] == {"budget": 4.0, "batches": 8}
    told = plain.replace({"train.strategy": "balanced", "evaluate.baselines": ["base"]})
    assert told.spec.strategies == ["balanced"]


def test_the_default_merge_is_as_long_as_one_model_where_changes_are_at_right_angles(job):
    method = merge_of(job.replace({"train.strategy": "merged"}))
    assert isinstance(method, TaskArithmetic)
    assert method.weights == pytest.approx(1 / math.sqrt(2))


def test_plan_estimates_every_strategy(job):
    stages = {"measure conflict", "train joint", "train balanced", "train each task alone", "choose on dev", "evaluate"}
    assert stages <= set(plan(job.replace({"train.strategy": "auto"})).stages)
    tight = plan(job.replace({"train.strategy": "auto", "train.auto.budget": 2}))
    assert "train balanced" not in tight.stages
    assert any("a search that tries joint, merged" in note for note in tight.notes)
    assert any("dev rows to choose the strategy by" in note for note in tight.notes)


@pytest.mark.slow
def test_the_merged_encoder_is_the_arithmetic_of_the_single_ones(job, tmp_path):
    change = {"train.strategy": "merged", "train.merge": {"Linear": {"weights": [1, 3]}}, **PROMPTS, **SHORT}
    run = fit(job.replace(change), out=tmp_path / "run")
    assert run.chosen == "merged"
    assert set(run.models) == {"merged", "single:faq", "single:topic"}
    parts = [weights_of(run.models[f"single:{task}"]) for task in ("faq", "topic")]
    for name, tensor in run.model.state_dict().items():
        assert torch.allclose(tensor.cpu(), (parts[0][name] + 3 * parts[1][name]) / 4, atol=1e-6), name
    assert run.model.prompts == {"faq-query": "query: ", "topic-document": "text: "}
    record = run.results.details["strategy"]
    assert (record["given"], record["chosen"]) == ("merged", "merged")
    price = {row["name"]: row for row in record["prices"]}
    assert price["merged"]["tokens"] == price["single"]["tokens"] > 0
    assert price["merged"]["seconds"] >= price["single"]["seconds"]
    kept = json.loads((run.path / "model" / "accord.json").read_text())["metadata"]["merge"]
    assert kept["method"] == {"Linear": {"weights": [1, 3]}}
    assert 0 < kept["length"] <= 1


@pytest.mark.slow
def test_tokens_of_tasks_are_taken_and_not_merged(job, tmp_path):
    change = {"train.strategy": "merged", "encoder.task_tokens": True, **SHORT}
    run = fit(job.replace(change), out=tmp_path / "run")
    merged = run.model
    for task in ("faq", "topic"):
        alone = load(str(run.models[f"single:{task}"]), device="cpu")
        rows = [m.backbone.get_input_embeddings().weight[m.tokenizer.get_vocab()[task_token(task)]].cpu()
                for m in (alone, merged)]  # fmt: skip
        assert torch.equal(*rows)


@pytest.mark.slow
def test_a_merge_that_learns_looks_at_train_rows(job, tmp_path):
    change = {"train.strategy": "merged", "train.merge": {"SelfPositioning": {"steps": 2}}, **SHORT}
    run = fit(job.replace(change), out=tmp_path / "run")
    kept = json.loads((run.path / "model" / "accord.json").read_text())["metadata"]["merge"]["learned"]
    assert len(kept["losses"]) == 2
    assert len(kept["coefficients"]["all"]) == 2
    assert set(kept["probe"]["tasks"]) == {"faq", "topic"}


@pytest.mark.slow
def test_balanced_beside_joint_and_merged_and_a_comparison_of_runs(job, tmp_path):
    names = ["base", "joint", "merged"]
    change = {**SHORT, "seeds": [0, 1], "train.strategy": "balanced", "evaluate.baselines": names, "train.steps": 2}
    run = fit(job.replace(change), out=tmp_path / "run")
    assert run.chosen == "balanced"
    assert {c.a for c in run.results.comparisons} == {"balanced"}
    assert {c.b for c in run.results.comparisons} == {"base", "joint", "merged"}
    assert run.models["balanced"] == run.path / "model"
    assert {"balanced@1", "joint", "joint@1", "merged@1", "single:faq@1"} <= set(run.models)
    steps = [json.loads(line) for line in (run.path / "steps.jsonl").read_text().splitlines()]
    both = {(row["run"], row["task"]) for row in steps if row["step"] == 1}
    assert {("balanced", "faq"), ("balanced", "topic")} <= both
    assert "Strategies side by side" in run.report.read_text()
    other = fit(job.replace({**SHORT, "train.steps": 2}), out=tmp_path / "other")
    assert {(c.a, c.b) for c in accord.compare(run.path, other.path)} == {("run:run", "run:other")}
    assert accord.compare(run.path, other.path, model="joint")[0].effect is not None
    with pytest.raises(InputError, match="no task in common for the model `merged`"):
        accord.compare(run.path, other.path, model="merged")


@pytest.mark.slow
def test_without_conflict_joint_is_all_there_is(job, tmp_path, monkeypatch):
    monkeypatch.setattr(auto, "gradient_conflict", verdict("no conflict"))
    run = fit(job.replace({"train.strategy": "auto", **SHORT}), out=tmp_path / "run")
    record = run.results.details["strategy"]
    assert (run.chosen, record["tried"], record["dev"]) == ("joint", ["joint"], [])
    assert record["conflict"]["pairs"][0]["ci"] == [None, 0.2]
    assert set(run.models) == {"joint"}
    assert run.models["joint"] == run.path / "model"
    assert "no conflict beyond noise" in run.report.read_text()


@pytest.mark.slow
def test_a_search_goes_on_where_it_was_stopped(job, tmp_path, monkeypatch):
    """Stopped in training, and then between training and choosing; no model is trained twice, and none measured on test
    before the choice."""
    recipe = job.replace({"train.strategy": "auto", **SHORT})
    out, told = tmp_path / "run", []
    monkeypatch.setattr(auto, "gradient_conflict", verdict("conflict"))
    with pytest.raises(Interrupted, match="--resume"):
        fit(recipe, out=out, on_step=stop_at("balanced", 2, "faq"))
    assert json.loads((out / "choice.json").read_text())["chosen"] is None
    assert {"joint", "merged", "single-faq"} <= {path.name for path in (out / "models").iterdir()}

    def cut(observed, names, **rules):
        assert names == ["joint", "merged", "balanced"]
        assert {one.model for one in observed} == set(names)
        raise KeyboardInterrupt

    monkeypatch.setattr(auto, "gradient_conflict", None)  # what was measured is kept
    monkeypatch.setattr(auto, "pick", cut)
    with pytest.raises(Interrupted):
        fit(recipe, out=out, resume=True, on_step=told.append)
    assert {(row.run, row.step) for row in told} == {("balanced", 3), ("balanced", 4)}
    monkeypatch.setattr(auto, "pick", lambda observed, names, **rules: ("merged", []))
    run = fit(recipe, out=out, resume=True, on_step=told.append)
    assert len(told) == 4  # two tasks, two steps
    assert run.chosen == "merged"
    assert not (out / "models" / "merged").exists()
    assert set(weights_of(run.path / "model")) == set(weights_of(run.models["balanced"]))
    assert {s.model for s in run.results.scores} == {"joint", "merged", "balanced"}
    assert {c.a for c in run.results.comparisons} == {"merged"}
    again = fit(recipe, out=out, resume=True, on_step=told.append)
    assert again.results.to_json() == run.results.to_json()


def test_a_run_folder_knows_which_model_it_gives(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.chosen == "joint"
    assert folder.trained("joint") == folder.model
    folder.choose({"given": "auto", "chosen": None})
    assert folder.trained("joint") == tmp_path / "models" / "joint"
    (tmp_path / "models" / "merged").mkdir(parents=True)
    folder.choose({"given": "auto", "chosen": "merged"})
    assert folder.trained("merged") == folder.model
    assert folder.model.is_dir()
    assert folder.trained("merged@1") == tmp_path / "models" / "merged-seed-1"
    folder.settle()
    assert folder.model.is_dir()
