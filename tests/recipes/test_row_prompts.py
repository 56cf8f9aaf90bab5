"""Rows that bring their own prompt, as FlagEmbedding's do: it is part of the query, in training and in tests."""

import json

import pytest

from accord.core.errors import InputError
from accord.recipes.prepare import prepare
from accord.recipes.recipe import Recipe


@pytest.fixture
def recipe(tmp_path):
    rows = [
        {"query": f"q{n}", "pos": [f"p{n}"], "neg": [f"n{n}"], "prompt": "Find: " if n % 2 else None} for n in range(40)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = {"source": "rows", "objective": "InfoNCE", "evaluate": "Reranking", "signal": "Ranked"}
    return Recipe(
        {
            "format": "accord-recipe/1",
            "encoder": {"model": "unused"},
            "sources": {"rows": str(tmp_path / "rows.jsonl")},
            "tasks": {"rows": task},
            "train": {"steps": 1},
        },
        origin="recipe.yaml",
    )


def test_queries_begin_with_it_in_every_part(recipe):
    prepared = prepare(recipe)
    task = prepared.tasks["rows"]
    queries = [query for part in (task.train, task.dev, task.test) for query in part.column("query")]
    assert sorted(queries) == sorted(f"Find: q{n}" if n % 2 else f"q{n}" for n in range(40))
    assert prepared.notes == ("rows: 20 rows have a prompt of their own; it is put before their queries.",)


def test_two_prompts_before_one_query_are_refused(recipe):
    with pytest.raises(InputError, match=r"20 rows of `rows` have a `prompt` of their own, and `prompts\.query`"):
        prepare(recipe.replace({"tasks.rows.prompts": {"query": "Ask: "}}))


def test_a_stream_of_them_is_refused(recipe):
    path = recipe.spec.sources["rows"]
    streamed = {"sources.big": {"File": {"path": path, "stream": True}}, "tasks.rows.source": "big"}
    with pytest.raises(InputError, match="`big` is streamed, and its rows have a `prompt`"):
        prepare(recipe.replace({**streamed, "tasks.rows.test_source": "rows"}))
