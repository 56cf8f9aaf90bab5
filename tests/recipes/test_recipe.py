"""Recipes: what is refused and how it is said, changes by path, and saving."""

import pytest
import yaml

from accord.core.errors import RecipeError
from accord.recipes.recipe import Recipe, ready_recipes

READY = Recipe.load("python-library")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train.stepz": 3}, "unknown key `train.stepz`. Did you mean `steps`?"),
        ({"tasks.topic.objectiv": "x"}, "unknown key `tasks.topic.objectiv`. Did you mean `objective`?"),
        ({"tasks.topic.split.by_": "x"}, "unknown key `tasks.topic.split.by_`. Did you mean `by`?"),
        ({"train.steps": -1}, "`train.steps`: input should be greater than or equal to 1. Got -1 instead."),
        ({"train.steps": "many"}, "Got 'many' instead."),
        ({"tasks.topic.source": "stdlb"}, "Did you mean `stdlib`?"),
        ({"encoder": None}, "`encoder` is missing"),
        ({"format": "accord-recipe/9"}, "`format`"),
        ({"train.steps": None}, "either `steps` or `epochs`"),
        ({"index.task": "topics"}, "Did you mean `topic`?"),
        ({"tasks": {}}, "`tasks`"),
        ({"seeds": []}, "`seeds`"),
        ({"tasks.a/b": {"source": "stdlib", "objective": "InfoNCE", "evaluate": "Bitext"}}, "a name may not"),
        ({"seeds.x": 1}, "not a mapping"),
    ],
)
def test_what_cannot_mean_anything_is_said_with_place_rule_value_and_cure(change, message):
    with pytest.raises(RecipeError) as caught:
        READY.replace(change)
    assert message in str(caught.value)


def test_replace_leaves_the_old_recipe_and_swaps_steps_for_epochs():
    changed = READY.replace({"train.epochs": 2, "encoder.max_length": 64})
    assert (changed.spec.train.epochs, changed.spec.train.steps) == (2, None)
    assert changed.spec.encoder.max_length == 64
    assert READY.spec.train.steps == 100


def test_saved_and_read_again_it_is_the_same(tmp_path):
    READY.save(tmp_path / "recipe.yaml")
    again = Recipe.load(tmp_path)
    assert again.spec == READY.spec
    assert again.resolved() == READY.resolved()


def test_paths_are_relative_to_the_recipe(tmp_path):
    (tmp_path / "faq.jsonl").write_text('{"a": "x", "b": "y"}\n')
    text = READY.replace({"sources.stdlib": "faq.jsonl", "sources.names": {"File": {"path": "faq.jsonl"}}})
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(text.value))
    sources = Recipe.load(path).resolved()["sources"]
    assert sources["stdlib"] == sources["names"] == {"File": {"path": str(tmp_path / "faq.jsonl")}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not valid YAML"),
        ("- 1", "must hold a mapping"),
        ("a: 1\na: 2", "stands twice"),
        ("", "must hold a mapping"),
    ],
)
def test_files_that_are_no_recipes(tmp_path, text, message):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        Recipe.load(tmp_path / "r.yaml")


def test_an_unknown_name_lists_the_ready_ones():
    assert "python-library" in ready_recipes()
    with pytest.raises(RecipeError, match="Did you mean `python-library`"):
        Recipe.load("python-libary")
