"""Each layout, written and read again, is the signal that it says, with the scores that it was given."""

import numpy as np
import pyarrow as pa
import pytest

from accord.core.types import Ragged
from accord.data.mining.layouts import LAYOUTS, Found, further_columns
from accord.data.read import read
from accord.data.signals import Labelled, Pairs, Ranked, Scored
from accord.data.write import write_table

POSITIVE, NEGATIVE = np.array([0.9, 0.8, 0.7]), np.array([[0.5, 0.25], [0.125, -np.inf]])


@pytest.fixture
def found():
    return Found(
        queries=["a", "b"],
        documents=["x", "y", "z", "n"],
        positives=Ragged.of([[0, 1], [2]]),
        negatives=np.array([[2, 3], [3, -1]]),
        scores={"": (POSITIVE, NEGATIVE)},
        further=pa.table({"team": ["s", "s", "h"]}),
    )


def written(found, layout, folder, ending):
    table, left_out = LAYOUTS[layout][1](found)
    write_table(table, folder / f"mined{ending}")
    signal = read(folder / f"mined{ending}")
    assert type(signal) is LAYOUTS[layout][0]
    return signal, left_out


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".parquet"])
def test_ranked(found, tmp_path, ending):
    signal, left_out = written(found, "ranked", tmp_path, ending)
    assert isinstance(signal, Ranked)
    assert left_out == 0
    assert signal.column("query") == ["a", "b"]
    assert signal.column("pos") == [["x", "y"], ["z"]]
    assert signal.column("neg") == [["z", "n"], ["n"]]
    assert signal.column("pos_scores") == [[0.9, 0.8], [0.7]]
    assert signal.column("neg_scores") == [[0.5, 0.25], [0.125]]
    assert signal.column("team") == ["s", "h"]


def test_triplets(found, tmp_path):
    signal, left_out = written(found, "triplets", tmp_path, ".jsonl")
    assert isinstance(signal, Pairs)
    assert left_out == 0
    rows = list(
        zip(*(signal.column(n) for n in ("anchor", "positive", "negative", "positive_score", "negative_score")))
    )
    assert rows == [
        ("a", "x", "z", 0.9, 0.5), ("a", "x", "n", 0.9, 0.25), ("a", "y", "z", 0.8, 0.5), ("a", "y", "n", 0.8, 0.25),
        ("b", "z", "n", 0.7, 0.125),
    ]  # fmt: skip
    assert signal.column("team") == ["s", "s", "s", "s", "h"]


def test_pairs_hold_only_positives_with_all_negatives(found, tmp_path):
    signal, left_out = written(found, "pairs", tmp_path, ".jsonl")
    assert isinstance(signal, Pairs)
    assert left_out == 1
    assert signal.negative_columns == ("negative_1", "negative_2")
    assert signal.column("anchor") == ["a", "a"]
    assert signal.column("negative_2") == ["n", "n"]
    assert signal.column("negative_1_score") == [0.5, 0.5]


def test_scored(found, tmp_path):
    signal, _ = written(found, "scored", tmp_path, ".jsonl")
    assert isinstance(signal, Scored)
    rows = list(zip(*(signal.column(n) for n in ("text1", "text2", "score", "mined_score", "team"))))
    assert rows == [
        ("a", "x", 1, 0.9, "s"), ("a", "y", 1, 0.8, "s"), ("a", "z", 0, 0.5, "s"), ("a", "n", 0, 0.25, "s"),
        ("b", "z", 1, 0.7, "h"), ("b", "n", 0, 0.125, "h"),
    ]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_scores_of_a_guide_and_of_the_model_stand_side_by_side(found, tmp_path, layout):
    both = Found(**vars(found) | {"scores": {"": (POSITIVE, NEGATIVE), "model_": (POSITIVE / 2, NEGATIVE / 2)}})
    signal, _ = written(both, layout, tmp_path, ".jsonl")
    ours = [name for name in signal.table.column_names if name.startswith("model_")]
    assert ours
    for name in ours:
        guided = np.concatenate([np.ravel(v) for v in signal.column(name.removeprefix("model_"))])
        np.testing.assert_allclose(np.concatenate([np.ravel(v) for v in signal.column(name)]), guided / 2)


def test_columns_that_would_change_the_signal_are_not_carried_along():
    rows = {"text": ["a", "b"], "label": ["x", "y"], "module": ["m", "n"], "score": [1.0, 2.0]}
    assert further_columns(Labelled.of(rows), np.array([1, 0, 1])).to_pydict() == {"module": ["n", "m", "n"]}
