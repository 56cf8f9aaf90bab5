"""`train.average` of a recipe: built from its words, refused before anything is trained."""

import pytest

from accord.core.errors import RecipeError
from accord.recipes.plan import plan
from accord.recipes.prepare import average_of, settings_of
from accord.recipes.recipe import Recipe
from accord.training import EMA, Last


@pytest.fixture
def recipe(tmp_path):
    rows = "".join(f'{{"anchor": "question {i}", "positive": "answer {i}"}}\n' for i in range(60))
    (tmp_path / "faq.jsonl").write_text(rows)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(
        '{"num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 16}'
    )
    return Recipe(
        {
            "format": "accord-recipe/1",
            "encoder": {"model": str(tmp_path / "model")},
            "sources": {"faq": str(tmp_path / "faq.jsonl")},
            "tasks": {"faq": {"source": "faq", "objective": "InfoNCE", "evaluate": "Retrieval"}},
            "train": {"steps": 41, "batch": 8},
        },
        origin="recipe.yaml",
    )


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("EMA", EMA()),
        ({"EMA": {"decay": 0.9}}, EMA(decay=0.9)),
        ({"Last": {"count": 3, "every": 20}}, Last(count=3, every=20)),
    ],
)
def test_it_is_built_from_its_words(recipe, words, wanted):
    told = recipe.replace({"train.average": words})
    assert repr(settings_of(told, [40], seed=0).average) == repr(wanted)
    assert plan(told).problems == []
    assert average_of(recipe) is None


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"train.average": "Lats"}, "Did you mean `Last`"),
        ({"train.average": "Cosine"}, "must be Last or EMA"),
        ({"train.average": {"EMA": {"decay": 2}}}, "must lie in"),
        ({"train.average": "EMA", "train.early_stopping": {"every": 2}}, "Leave one out"),
        ({"train.average": {"Last": {"count": 3, "every": 21}}}, "more than 42 steps. Got 41"),
    ],
)
def test_what_cannot_be_is_said_by_the_plan(recipe, changes, wanted):
    (problem,) = plan(recipe.replace(changes)).problems
    assert wanted in problem


def test_the_error_names_the_key(recipe):
    with pytest.raises(RecipeError, match=r"train\.average"):
        average_of(recipe.replace({"train.average": {"Last": {"last": 3}}}))
