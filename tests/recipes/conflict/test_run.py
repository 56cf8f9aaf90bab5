"""Conflicts of whole recipes: made ones are found, equal tasks have none, reruns go on, bad input leaves nothing."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import yaml

import accord.recipes.conflict.experts as experts_module
from accord.core.errors import InputError, RecipeError
from accord.core.interrupts import Interrupted
from accord.data import Scored
from accord.data.signals import Labelled
from accord.objectives import CosineRegression
from accord.recipes.conflict import ConflictResult, conflict, gradient_conflict
from accord.recipes.conflict.experts import TaskVectors, halves
from accord.recipes.recipe import Recipe
from accord.training import AdamW, Settings, TrainingTask

THINGS = ("file", "row", "list", "name", "code", "text", "tree", "socket", "thread", "queue", "date", "path")
ACTIONS = ("read", "write", "open", "close", "sort", "send", "parse", "join", "split", "copy")
SETTINGS = Settings(steps=40, batch=16, precision="float32", optimizer=AdamW(lr=1e-3))


@pytest.fixture
def encoder(tiny_folder):
    from accord.encoders import load

    return load(str(tiny_folder), max_length=16)


def scored(score, *, number=160):
    rows = [
        {
            "text1": f"{ACTIONS[i % 10]} the {THINGS[i % 12]}",
            "text2": f"{THINGS[(i * 7) % 12]} {ACTIONS[(i * 3) % 10]} {i}",
            "score": score,
        }
        for i in range(number)
    ]
    return Scored.of(pa.Table.from_pylist(rows))


def near(name, score):
    return TrainingTask(name=name, signal=scored(score), objective=CosineRegression())


def test_opposed_tasks_conflict(encoder):
    found = gradient_conflict(encoder, [near("together", 1.0), near("apart", -1.0)], SETTINGS, batches=8)
    assert found.verdict == "conflict"
    assert found.pairs[0].cosine.value < -0.9
    assert found.pairs[0].batch_cosine.value == pytest.approx(-found.pairs[0].ceiling, abs=0.1)


def test_equal_tasks_reach_the_ceiling_and_do_not_conflict(encoder):
    found = gradient_conflict(encoder, [near("one", 1.0), near("again", 1.0)], SETTINGS, batches=8)
    assert found.verdict == "no conflict"
    pair = found.pairs[0]
    assert pair.cosine.value > 0.9
    assert pair.batch_cosine.value == pytest.approx(pair.ceiling, abs=0.1)
    ceilings = [row["value"] for row in found.rows if row["measure"] == "gradient_cosine" and row["a"] == row["b"]]
    assert all(0 < value <= 1 for value in ceilings)


def test_two_batches_decide_nothing(encoder):
    found = gradient_conflict(encoder, [near("together", 1.0), near("apart", -1.0)], SETTINGS, batches=2)
    assert found.verdict == "undecided"


@pytest.mark.slow
def test_three_tasks_are_judged_pair_by_pair(encoder):
    """At a level that is corrected for the number of pairs."""
    tasks = [near("together", 1.0), near("again", 1.0), near("apart", -1.0)]
    found = gradient_conflict(encoder, tasks, SETTINGS, batches=6, lookaheads=2)
    assert [pair.verdict for pair in found.pairs] == ["no conflict", "conflict", "conflict"]
    assert found.pairs[0].level == pytest.approx(1 - 0.05 / 3)
    affinity = {(r["a"], r["b"]): r["value"] for r in found.rows if r["measure"] == "lookahead_affinity"}
    assert affinity["together", "apart"] < 0 < affinity["together", "again"]


# ------------------------------------------------------------------------------------------------------ whole recipes


@pytest.fixture
def wide(job, tmp_path):
    """The job with dev parts that are large enough for losses."""
    value = yaml.safe_load((tmp_path / "recipe.yaml").read_text())
    for task in value["tasks"].values():
        task["split"]["dev"] = 0.35
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(value))
    return Recipe.load(tmp_path / "recipe.yaml")


def measures(result):
    return {row["measure"] for row in result.rows}


@pytest.mark.slow
def test_everything_is_measured_with_intervals_and_reported(wide, tmp_path):
    plans = []
    found = conflict(wide, tmp_path / "out", batches=4, steps=2, on_plan=plans.append)
    assert isinstance(found, ConflictResult)
    assert measures(found) == {
        "gradient_cosine", "corrected_cosine", "conflict_rate", "magnitude_similarity", "lookahead_affinity",
        "task_vector_cosine", "norm_ratio", "sign_agreement", "subspace_overlap", "loss_barrier", "transfer",
    }  # fmt: skip
    assert all({"low", "high", "n", "over", "layers"} <= set(row) for row in found.rows)
    assert all(row["low"] <= row["value"] <= row["high"] for row in found.rows if None not in row.values())
    assert set(plans[0]) == {"gradients", "short trainings", "loss barriers", "transfer"}
    record = json.loads((tmp_path / "out" / "conflict.json").read_text())
    assert record == found.record
    assert record["format"] == "accord-conflict/1"
    assert not [key for key in record["data_hashes"] if key.endswith("test")]
    text = found.report.read_text()
    assert record["recommendation"]["sentence"] in text
    assert text.index(record["recommendation"]["sentence"]) < text.index("Cosine of two")


@pytest.mark.slow
def test_a_rerun_takes_up_what_is_there(wide, tmp_path, monkeypatch):
    real, trained = experts_module.train, []

    def counting(*arguments, **options):
        trained.append(options["run"])
        if len(trained) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(experts_module, "train", counting)
    out = tmp_path / "out"
    with pytest.raises(Interrupted, match="same command goes on"):
        conflict(wide, out, transfer=False, batches=4, steps=2)
    assert not (out / "conflict.json").exists()
    assert len(list((out / "experts").glob("*.safetensors"))) == 2
    first = conflict(wide, out, transfer=False, batches=4, steps=2)
    assert trained == ["faq, half 1", "faq, half 2", "topic, half 1", "topic, half 1", "topic, half 2"]
    again = conflict(wide, out, transfer=False, batches=4, steps=2)
    assert len(trained) == 5
    assert again.rows == first.rows
    assert measures(again).isdisjoint({"transfer", "loss_barrier"})
    fresh = conflict(wide, tmp_path / "fresh", transfer=False, batches=4, steps=2)
    assert fresh.rows == first.rows


@pytest.mark.slow
def test_other_steps_are_other_trainings(wide, tmp_path):
    for steps in (1, 2):
        conflict(wide, tmp_path / "out", transfer=False, batches=4, steps=steps)
    assert len(list((tmp_path / "out" / "experts").glob("*.safetensors"))) == 8
    assert len(list((tmp_path / "out" / "measured").glob("gradients-*.json"))) == 1


@pytest.mark.slow
def test_test_rows_are_never_read(wide, tmp_path, monkeypatch):
    import accord.recipes.conflict.run as module

    real = module.prepare

    def without_test(recipe, **options):
        prepared = real(recipe, **options)
        return replace(prepared, tasks={n: replace(t, test=None) for n, t in prepared.tasks.items()})

    monkeypatch.setattr(module, "prepare", without_test)
    monkeypatch.setattr(type(real(wide)), "hashes", lambda self: {})
    assert conflict(wide, tmp_path / "out", batches=4, steps=1).rows


@pytest.mark.slow
def test_small_dev_parts_leave_out_what_needs_them(job, tmp_path):
    value = yaml.safe_load((tmp_path / "recipe.yaml").read_text())
    value["tasks"]["topic"]["split"]["dev"] = 0.0
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(value))
    found = conflict(tmp_path / "recipe.yaml", tmp_path / "out", batches=4, steps=1)
    assert "loss_barrier" not in measures(found)
    assert {row["b"] for row in found.rows if row["measure"] == "transfer"} == {"faq"}
    assert any("topic: no dev rows" in note for note in found.record["notes"])


@pytest.mark.slow
def test_an_adapter_is_trained_in_place_of_the_weights(wide, tmp_path):
    recipe = wide.replace({"train.adapter": {"LoRA": {"rank": 2}}})
    found = conflict(recipe, tmp_path / "out", transfer=False, batches=4, steps=1)
    layers = {row["layers"] for row in found.rows if row["measure"] == "gradient_cosine"}
    assert layers == {"layer 0", "layer 1", "layer 2", "all"}


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"tasks.topic": None}, {}, "two tasks"),
        ({}, {"batches": 1}, "`batches` must be at least 2"),
        ({}, {"steps": 0}, "`steps` must be at least 1"),
        ({}, {"tolerance": -1}, "`tolerance` must be at least 0"),
        ({"train.optimizer": "Adam"}, {}, "unknown name `Adam`"),
        ({"tasks.faq.split.dev": 0.5, "tasks.faq.split.test": 0.49}, {}, "rows, and two batches"),
    ],
)
def test_bad_input_is_refused_and_leaves_no_folder(job, tmp_path, change, options, words):
    with pytest.raises((InputError, RecipeError), match=words):
        conflict(job.replace(change), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_refused(job, tmp_path):
    with pytest.raises(InputError, match="holds no conflict report"):
        conflict(job, tmp_path)


def test_halves_share_no_row_and_every_label():
    rows = [{"id": str(i), "text": f"t{i}", "label": str(i % 5)} for i in range(50)]
    parts = halves(Labelled.of(pa.Table.from_pylist(rows)), seed=0, name="topic")
    ids = [set(part.column("id")) for part in parts]
    assert not ids[0] & ids[1]
    assert len(ids[0] | ids[1]) == 50
    assert all(len(set(part.column("label"))) == 5 for part in parts)
    few = Labelled.of(pa.Table.from_pylist(rows[:12]))
    assert len(halves(few, seed=0, name="topic")) == 1


def test_task_vectors_are_what_training_changed(tmp_path):
    import torch
    from safetensors.torch import save_file

    start = {"a": torch.randn(70_000), "n": torch.arange(3), "b": torch.zeros(4, 5)}
    paths = []
    for number in range(2):
        paths.append(tmp_path / f"{number}.safetensors")
        save_file({"a": start["a"] + number + 1, "n": start["n"], "b": start["b"] - number}, paths[-1])
    vectors = TaskVectors(start, paths)
    pieces = list(vectors.pieces())
    assert [(name, piece.shape) for name, piece in pieces] == [("a", (2, 65_536)), ("a", (2, 4464)), ("b", (2, 20))]
    assert np.allclose(pieces[0][1], [[1.0], [2.0]], atol=1e-5)
