"""What was mined as a table that reads back as a signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from accord.core.types import Ragged
from accord.data.signals import SIGNALS, Pairs, Ranked, Scored, Signal

__all__ = ["LAYOUTS", "Found", "further_columns", "pairs", "ranked", "scored", "triplets"]

DIGITS = 6


@dataclass(frozen=True)
class Found:
    """Queries with their positives and negatives, and what scored them.

    Args:
        queries: texts.
        documents: texts.
        positives: for each query, document rows.
        negatives: (queries, most) document rows, -1 where none was found.
        scores: by the start of a column's name: scores of all positives, in the order of `positives`, and of all
            negatives, (queries, most). Written with six decimals.
        further: columns to keep, a row for each positive, in the order of `positives`.
    """

    queries: list[str]
    documents: list[str]
    positives: Ragged
    negatives: np.ndarray
    scores: Mapping[str, tuple[np.ndarray, np.ndarray]]
    further: pa.Table

    @property
    def owners(self) -> np.ndarray:
        """The query of each positive."""
        return np.repeat(np.arange(len(self.queries)), self.positives.lengths)

    def text(self, rows: np.ndarray) -> pa.Array:
        """Texts of documents."""
        return pa.array(self.documents, pa.large_string()).take(pa.array(rows))

    def query(self, rows: np.ndarray) -> pa.Array:
        """Texts of queries."""
        return pa.array(self.queries, pa.large_string()).take(pa.array(rows))


def ranked(found: Found) -> tuple[pa.Table, int]:
    """A row a query: `query`, `pos`, `neg`, `pos_scores`, `neg_scores`; also queries for which nothing was found."""
    table = {"query": pa.array(found.queries, pa.large_string())}
    first = found.positives.offsets[:-1]
    there = found.negatives >= 0
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    table["pos"] = _lists(found.positives.offsets, found.text(found.positives.values))
    table["neg"] = _lists(ends, found.text(found.negatives[there]))
    for prefix, (right, wrong) in found.scores.items():
        table[f"{prefix}pos_scores"] = _lists(found.positives.offsets, _numbers(right))
        table[f"{prefix}neg_scores"] = _lists(ends, _numbers(wrong[there]))
    return _with(table, found.further.take(pa.array(first))), 0


def triplets(found: Found) -> tuple[pa.Table, int]:
    """A row a positive and negative: `anchor`, `positive`, `negative`, `positive_score`, `negative_score`."""
    owner = found.owners
    positive, place = np.nonzero(found.negatives[owner] >= 0)
    query = owner[positive]
    table = {
        "anchor": found.query(query),
        "positive": found.text(found.positives.values[positive]),
        "negative": found.text(found.negatives[query, place]),
    }
    for prefix, (right, wrong) in found.scores.items():
        table[f"{prefix}positive_score"] = _numbers(right[positive])
        table[f"{prefix}negative_score"] = _numbers(wrong[query, place])
    return _with(table, found.further.take(pa.array(positive))), len(owner) - len(np.unique(positive))


def pairs(found: Found) -> tuple[pa.Table, int]:
    """A row a positive, its negatives in columns: `anchor`, `positive`, `negative_1`, ...; only where none is short."""
    owner = found.owners
    whole = np.all(found.negatives >= 0, axis=1)
    positive = np.flatnonzero(np.take(whole, owner))
    query = owner[positive]
    table = {"anchor": found.query(query), "positive": found.text(found.positives.values[positive])}
    for number, column in enumerate(found.negatives[query].T, start=1):
        table[f"negative_{number}"] = found.text(column)
    for prefix, (right, wrong) in found.scores.items():
        table[f"{prefix}positive_score"] = _numbers(right[positive])
        for number, column in enumerate(wrong[query].T, start=1):
            table[f"{prefix}negative_{number}_score"] = _numbers(column)
    return _with(table, found.further.take(pa.array(positive))), len(owner) - len(positive)


def scored(found: Found) -> tuple[pa.Table, int]:
    """A row a pair of texts: `text1`, `text2`, `score` 1 for a positive and 0 for a negative; for cross-encoders."""
    query, place = np.nonzero(found.negatives >= 0)
    owner, first = found.owners, found.positives.offsets[:-1]
    order = np.argsort(np.concatenate([owner, query]), kind="stable")
    texts = np.concatenate([found.positives.values, found.negatives[query, place]])
    table = {
        "text1": found.query(np.concatenate([owner, query])[order]),
        "text2": found.text(texts[order]),
        "score": _numbers(np.repeat([1.0, 0.0], [len(owner), len(query)])[order]),
    }
    for prefix, (right, wrong) in found.scores.items():
        table[f"{prefix}mined_score"] = _numbers(np.concatenate([right, wrong[query, place]])[order])
    further = found.further.take(pa.array(np.concatenate([np.arange(len(owner)), first[query]])[order]))
    return _with(table, further), 0


LAYOUTS: dict[str, tuple[type[Signal], Callable[[Found], tuple[pa.Table, int]]]] = {
    "ranked": (Ranked, ranked),
    "triplets": (Pairs, triplets),
    "pairs": (Pairs, pairs),
    "scored": (Scored, scored),
}
"""By name, the signal that the table is, and what makes it; the number is how many positives got no row."""


def further_columns(signal: Signal, rows: np.ndarray) -> pa.Table:
    """Columns of some rows that are no part of any signal, such as a source or a customer, and `prompt`.

    >>> rows = {"anchor": ["a", "b"], "positive": ["x", "y"], "team": ["sales", "help"], "label": [0, 1]}
    >>> further_columns(Pairs.of(rows), np.array([1])).to_pydict()
    {'team': ['help']}
    """
    parts = {name for kind in SIGNALS for role in kind.roles for name in (role.name, *role.aliases)} - {"prompt"}
    names = [
        name
        for name in signal.table.column_names
        if name.lower() not in parts and name not in {"id", "_id"} and not name.startswith("negative")
    ]
    return signal.table.select(names).take(pa.array(rows))


def _with(table: dict[str, pa.Array], further: pa.Table) -> pa.Table:
    return pa.table({**{n: further.column(n) for n in further.column_names if n not in table}, **table}).select(
        [*table, *(n for n in further.column_names if n not in table)]
    )


def _lists(ends: np.ndarray, values: pa.Array) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array(np.asarray(ends, dtype=np.int64)), values)


def _numbers(values: np.ndarray) -> pa.Array:
    return pa.array(np.round(np.asarray(values, dtype=np.float64), DIGITS))
