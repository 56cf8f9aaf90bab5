"""Merges, for the terminal."""

import io

from rich.console import Console

from accord.reporting import merge_plan_tables, merge_tables


def text_of(renderables):
    console = Console(file=io.StringIO(), width=160, markup=False)
    for each in renderables:
        console.print(each)
    return console.file.getvalue()


PLAN = {
    "name": "two",
    "method": "ties",
    "models": ["a", "b"],
    "base": "base",
    "kind": "encoder",
    "dtype": "as the models",
    "seed": 0,
    "tensors": 103,
    "numbers": 22_713_216,
    "bytes_read": 500_000_000,
    "bytes_written": 90_852_864,
    "memory": 100_000_000,
    "parameters": [
        {"parameter": "weight", "value": ["1", "0 to 1"], "given": True},
        {"parameter": "density", "value": 0.2, "given": False},
    ],
    "left_out": {"embeddings.position_ids": "follows from the configuration"},
    "notes": ["`density` is not given."],
}
RECORD = {
    "method": "ties",
    "models": [{"name": "a"}, {"name": "somewhere/b"}],
    "measures": {
        "lengths": [1.5, 2.0],
        "cosines": [[1.0, -0.125], [-0.125, 1.0]],
        "merged_length": 1.25,
        "shrinkage": 0.7143,
    },
    "seconds": {"merge": 1.25, "hash": 0.5, "load": 2.0},
}


def test_a_plan_says_what_is_read_and_with_which_numbers():
    found = text_of(merge_plan_tables([PLAN]))
    for words in (
        "two: ties",
        "22.7 M",
        "500.0 MB",
        "90.9 MB",
        "1, 0 to 1",
        "0.2",
        "default",
        "`density` is not given.",
    ):
        assert words in found
    assert "embeddings.position_ids is left out: it follows from the configuration." in found


def test_a_merge_says_how_long_the_changes_are():
    found = text_of(merge_tables([RECORD]))
    for words in ("cosine to b", "0.125", "1.25: 0.71 times the mean", "merge 1.2 s, hash 0.5 s, load 2.0 s"):
        assert words in found


def test_without_a_base_there_are_no_changes():
    found = text_of(merge_tables([RECORD | {"measures": None}]))
    assert "cosine" not in found
    assert "somewhere/b" in found
