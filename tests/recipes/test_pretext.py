"""Recipes that learn from texts alone: hidden tokens, definitions drawn to their entries, only the latter judged."""

import json

import numpy as np
import pytest
import yaml

from accord.core.errors import InputError, RecipeError
from accord.encoders import load
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.prepare import prepare
from accord.recipes.recipe import Recipe, ready_recipes

THINGS = ("file", "row", "list", "name", "code", "text", "tree", "queue")
ACTIONS = ("read", "write", "open", "close", "sort", "send")


@pytest.fixture
def recipe(tmp_path, tiny_folder):
    rows = [
        {"id": f"{a}-{t}", "text": f"{a} the {t} of two {t} and one {u} in the {t}", "entry": a}
        for a in ACTIONS
        for t, u in zip(THINGS, reversed(THINGS))
    ]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    whole = {"dev": 0, "test": 0}
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(tiny_folder), "max_length": 24},
        "sources": {"texts": "texts.jsonl"},
        "tasks": {
            "masked": {
                "source": "texts", "signal": "Unlabelled", "split": whole, "objective": "MaskedTokens", "evaluate": [],
            },
            "bag": {
                "source": "texts", "signal": "Unlabelled", "split": whole, "objective": "BagOfTokens", "evaluate": [],
            },
            "definitions": {
                "source": "texts",
                "signal": "Labelled",
                "columns": {"label": "entry"},
                "split": {"dev": 0.1, "test": 0.25, "stratify": "label"},
                "objective": {"FixedTargets": {"targets": "labels", "isotropic": True}},
                "evaluate": "Classification",
            },
        },
        "train": {
            "strategy": "balanced", "balance": "MGDA", "batch": 24, "steps": 2, "precision": "float32",
        },
        "evaluate": {"resamples": 200, "precision": "float32", "baselines": ["base", "single-task"]},
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(value))
    return Recipe.load(tmp_path / "recipe.yaml")


def test_hidden_tokens_need_no_judge_and_no_test_rows(recipe):
    found = plan(recipe)
    assert not found.problems
    rows = {row["name"]: row for row in found.tasks}
    assert (rows["masked"]["test"], rows["definitions"]["test"]) == (0, 12)
    assert not any("judged by" in note and "masked" in note for note in found.notes)
    assert rows["masked"]["train"] < 48  # rows of the others' test and dev parts stay out
    assert prepare(recipe).recipe.resolved()["tasks"]["masked"]["evaluate"] == []


def test_everything_else_is_judged(recipe):
    with pytest.raises(RecipeError, match=r"tasks\.definitions\.evaluate is empty"):
        prepare(recipe.replace({"tasks.definitions.evaluate": []}))
    tasks = {name: recipe.value["tasks"][name] for name in ("masked", "bag")}
    with pytest.raises(RecipeError, match="No task is judged: `evaluate` is empty in masked, bag"):
        prepare(recipe.replace({"tasks": tasks}))
    with pytest.raises(InputError, match=r"leave it to the other tasks: `evaluate: \[\]`"):
        prepare(recipe.replace({"tasks.masked.evaluate": "Retrieval"}))
    with pytest.raises(InputError, match="hides tokens of texts alone, and the rows are Labelled"):
        prepare(recipe.replace({"tasks.definitions.objective": "MaskedTokens"}))
    with pytest.raises(InputError, match="no row is left to test on"):
        prepare(recipe.replace({"tasks.definitions.split": {"dev": 0, "test": 0}}))


@pytest.mark.slow
def test_the_three_train_together_and_the_heads_stay_with_the_model(recipe, tmp_path):
    run = fit(recipe, out=tmp_path / "run")
    names = [row["name"] for row in run.results.details["models"]]
    assert names == ["base", "balanced", "single:definitions"]
    assert {score.task for score in run.results.scores} == {"definitions"}
    assert sorted(run.model.token_heads) == ["places", "texts"]
    steps = [json.loads(line) for line in (tmp_path / "run" / "steps.jsonl").read_text().splitlines()]
    assert {step["task"] for step in steps if step["run"] == "balanced"} == {"masked", "bag", "definitions"}
    assert run.report.is_file()
    merged = fit(recipe.replace({"train.strategy": "merged", "train.balance": None}), out=tmp_path / "merged")
    assert not merged.model.token_heads
    assert np.isfinite(merged.model.encode(["read a file"])).all()


@pytest.mark.slow
def test_the_ready_recipe_can_be_planned_and_its_encoder_takes_its_tasks():
    assert "pretext-python" in ready_recipes()
    recipe = Recipe.load("pretext-python")
    small = {"PythonLibrary": {"only": ["json", "logging", "pathlib", "ast", "shutil"]}}
    found = prepare(recipe.replace({"sources.library": small, "sources.unseen": {"PythonLibrary": {"only": ["http"]}}}))
    assert recipe.spec.train.balance == "MGDA"
    assert not found.tasks["autoencoding"].evaluations
    labels = set(found.tasks["definitions"].train.column("label"))
    assert "close" in labels and load(recipe.spec.encoder.model, device="cpu").encode(sorted(labels)).shape[1] == 384
    assert len(found.tasks["crops"].test) and not len(found.tasks["autoencoding"].test)
