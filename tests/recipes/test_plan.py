"""What a plan finds before any model is loaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from accord.core.errors import InputError
from accord.recipes.plan import plan
from accord.recipes.prepare import prepare
from accord.recipes.recipe import Recipe

TOPICS = ("parse", "write", "close")


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def recipe(tmp_path):
    lines(
        tmp_path / "asked.jsonl",
        [
            {
                "question": f"question {i}",
                "answer": f"It is number {i} of them. There are others, which come before and after it.",
            }
            for i in range(60)
        ],
    )
    lines(tmp_path / "judged.jsonl", [{"anchor": f"other question {i}", "positive": f"Not {i}."} for i in range(20)])
    lines(
        tmp_path / "topics.jsonl",
        [{"text": f"{TOPICS[i % 3]} the file {i}", "label": TOPICS[i % 3]} for i in range(60)],
    )
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(
        json.dumps({"num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 16})
    )
    return Recipe(
        {
            "format": "accord-recipe/1",
            "encoder": {"model": str(tmp_path / "model")},
            "sources": {name: str(tmp_path / f"{name}.jsonl") for name in ("asked", "judged", "topics")},
            "tasks": {"faq": {"source": "asked", "objective": "InfoNCE", "evaluate": "Retrieval"}},
            "train": {"steps": 3, "batch": 8, "precision": "float32"},
        },
        origin="recipe.yaml",
    )


def problem(recipe, changes):
    (found,) = plan(recipe.replace(changes)).problems
    return found


def test_small_data_are_said_and_counted(recipe):
    found = plan(recipe.replace({"train.batch": 512}))
    rows = found.tasks[0]["train"]
    assert f"faq has {rows} train rows, fewer than a batch of 512: each is all of them." in found.notes
    assert found.tasks[0]["epochs"] == 3


def test_a_missing_column_of_weights(recipe):
    found = problem(recipe, {"tasks.faq.weights": "clix"})
    assert "`weights`: " in found and "has no column `clix`" in found and "question" in found


def test_an_objective_that_follows_a_teacher_asks_for_one(recipe):
    found = problem(recipe, {"tasks.faq.objective": "BatchKL"})
    assert "learns from a teacher's `scores`" in found and "`teacher: MODEL`" in found


def test_scores_in_the_file_stand_for_a_teacher(recipe, tmp_path):
    rows = [{"query": f"question {i}", "pos": [f"It is {i}."], "neg": [f"It is {i + 1}."]} for i in range(40)]
    lines(tmp_path / "bare.jsonl", rows)
    lines(tmp_path / "taught.jsonl", [row | {"pos_scores": [2.0], "neg_scores": [0.5]} for row in rows])
    lists = {"signal": "Ranked", "objective": "ListKL", "evaluate": "Reranking"}
    changes = {"sources": {name: str(tmp_path / f"{name}.jsonl") for name in ("bare", "taught")}}
    assert not plan(recipe.replace(changes | {"tasks": {"lists": lists | {"source": "taught"}}})).problems
    found = problem(recipe, changes | {"tasks": {"lists": lists | {"source": "bare"}}})
    assert "no teacher here gives them" in found and "`pos_scores` and `neg_scores`" in found


def test_dropout_of_prompts_needs_prompts(recipe):
    with pytest.raises(InputError, match=r"tasks\.faq\.prompts: `dropout` leaves prompts out, and there is none"):
        recipe.replace({"tasks.faq.prompts": {"dropout": 0.5}})


def test_more_labels_than_the_loss_has_proxies_for(recipe):
    pytest.importorskip("pytorch_metric_learning")
    loss = {"pytorch_metric_learning.losses:ProxyAnchorLoss": {"num_classes": 2, "embedding_size": 8}}
    task = {"source": "topics", "objective": {"MetricLearning": {"loss": loss}}, "evaluate": "Classification"}
    found = problem(recipe, {"tasks": {"topic": task}})
    assert found.startswith("tasks.topic.objective: the train rows have 3 labels, and MetricLearning was made for 2.")


def test_columns_of_texts_do_not_bind_a_test_source_of_pairs(recipe):
    """With synthesis the task's own source holds texts and its test source pairs, each with columns of its own."""
    task = {
        "source": "asked",
        "signal": "Unlabelled",
        "columns": {"text": "answer"},
        "synthesis": "RandomCrops",
        "test_source": "judged",
        "objective": "InfoNCE",
        "evaluate": "Retrieval",
    }
    made = recipe.replace({"tasks": {"made": task}})
    assert prepare(made).tasks["made"].test.column("anchor")[0] == "other question 0"
    named = prepare(
        made.replace({"tasks.made.columns": {"text": "answer", "positive": "anchor", "anchor": "positive"}})
    )
    assert named.tasks["made"].test.column("anchor")[0] == "Not 0."
    assert "has no part `txt`" in problem(made, {"tasks.made.columns": {"txt": "answer"}})


def test_texts_alone_cannot_be_judged(recipe):
    changes = {"tasks.faq.signal": "Unlabelled", "tasks.faq.columns": {"text": "answer"}}
    assert "cannot judge texts alone. Add `synthesis`" in problem(recipe, changes)


@pytest.mark.slow
def test_a_plan_loads_no_model_library(recipe, tmp_path):
    recipe.save(tmp_path / "recipe.yaml")
    code = (
        "import sys; from accord.recipes.plan import plan; "
        f"found = plan({str(tmp_path / 'recipe.yaml')!r}); "
        "sys.exit(str(found.problems) if found.problems else 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
