"""A task whose pairs are made from texts alone, judged on pairs that somebody wrote."""

import json

import pytest

from accord.core.errors import InputError, RecipeError
from accord.data import Pairs
from accord.recipes.prepare import prepare
from accord.recipes.recipe import Recipe


@pytest.fixture
def recipe(tmp_path):
    texts = [f"Text {n} opens. It goes on about thing {n} for a while, then it closes." for n in range(60)]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    asked = [{"anchor": f"what about thing {n}", "positive": f"an answer {n}"} for n in range(8)]
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    return Recipe(
        {
            "format": "accord-recipe/1",
            "encoder": {"model": "unused"},
            "sources": {"texts": str(tmp_path / "texts.jsonl"), "asked": str(tmp_path / "asked.jsonl")},
            "tasks": {
                "crops": {
                    "source": "texts",
                    "synthesis": {"RandomCrops": {"copies": 2}},
                    "objective": {"InfoNCE": {"mask": ["text", "label"]}},
                    "evaluate": "Retrieval",
                }
            },
            "leakage": "report",
            "train": {"steps": 1},
        },
        origin="recipe.yaml",
    )


def test_each_part_gives_its_own_pairs(recipe):
    task = prepare(recipe).tasks["crops"]
    assert [type(part) for part in (task.train, task.dev, task.test)] == [Pairs] * 3
    assert len(task.train) + len(task.dev) + len(task.test) == 120
    documents = [set(part.column("label")) for part in (task.train, task.dev, task.test)]
    assert not documents[0] & documents[1] and not documents[0] & documents[2] and not documents[1] & documents[2]


def test_a_test_source_is_read_as_pairs(recipe):
    task = prepare(recipe.replace({"tasks.crops.test_source": "asked"})).tasks["crops"]
    assert task.test.column("positive")[0] == "an answer 0"
    assert "#" in task.train.ids[0]


def test_the_pairs_depend_on_the_seed(recipe):
    hashes = [prepare(recipe.replace({"seeds": [seed]})).hashes()["crops.train"] for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_only_texts_alone_are_taken(recipe):
    with pytest.raises(
        InputError, match=r"tasks\.crops: `synthesis` makes pairs from texts alone, and the rows are Pairs"
    ):
        prepare(recipe.replace({"tasks.crops.source": "asked"}))


def test_an_unknown_maker_is_named(recipe):
    with pytest.raises(RecipeError, match=r"synthesis: unknown name `RandomCrop`\. Did you mean `RandomCrops`"):
        prepare(recipe.replace({"tasks.crops.synthesis": "RandomCrop"}))
