"""Numbers that describe the texts, labels and scores of a signal, and hints at what may mislead training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from accord.data.arrow import compute as pc
from accord.data.leakage import normalise
from accord.data.signals import Labelled, Pairs, Scored, Signal, label_counts

__all__ = [
    "LabelSummary",
    "ScoreSummary",
    "TextSummary",
    "hints_of",
    "histogram",
    "overlaps_of",
    "summarise_labels",
    "summarise_scores",
    "summarise_texts",
]

BINS = 12
TELLING = 0.2
RARE = 10.0


@dataclass(frozen=True)
class TextSummary:
    """The texts of a column.

    Args:
        texts: how many.
        unique: how many differ, exactly.
        characters: quantiles of their lengths: `{"min", "5%", "50%", "95%", "max", "mean"}`.
        long: how many are over-long.
        histogram: of lengths: `{"from", "to", "count"}`, bounds included.
    """

    texts: int
    unique: int
    characters: Mapping[str, float]
    long: int
    histogram: Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class LabelSummary:
    """The labels of a signal.

    Args:
        labels: how many there are.
        counts: rows of each, the most frequent first.
        singles: labels with one row.
        imbalance: rows of the most frequent label for each row of the rarest.
        entropy: of the labels' shares, over that of equal ones, in [0, 1].
    """

    labels: int
    counts: Mapping[str, int]
    singles: int
    imbalance: float
    entropy: float


@dataclass(frozen=True)
class ScoreSummary:
    """The scores of a signal.

    Args:
        least: the lowest.
        greatest: the highest.
        mean: of all.
        distinct: how many differ.
        histogram: `{"from", "to", "count"}`, the upper bound left out but for the last.
    """

    least: float
    greatest: float
    mean: float
    distinct: int
    histogram: Sequence[Mapping[str, float]]


def summarise_texts(texts: pa.ChunkedArray, long: int) -> TextSummary:
    """Lengths and repeats of the texts of a column.

    Args:
        texts: all of them.
        long: characters from which on one is over-long.

    >>> summarise_texts(pa.chunked_array([["a", "bb", "bb"]]), long=2).long
    2
    """
    lengths = pc.utf8_length(texts).to_numpy()
    if not len(lengths):
        return TextSummary(0, 0, {}, 0, ())
    marks = {"min": 0.0, "5%": 0.05, "50%": 0.5, "95%": 0.95, "max": 1.0}
    values = np.quantile(lengths, list(marks.values()), method="lower")
    characters = {name: int(value) for name, value in zip(marks, values)} | {"mean": round(float(lengths.mean()), 1)}
    unique = pc.count_distinct(texts).as_py()
    return TextSummary(len(lengths), unique, characters, int((lengths >= long).sum()), histogram(lengths))


def histogram(lengths: np.ndarray) -> list[dict[str, float]]:
    """Counts of lengths in bins that double: 1, 2-3, 4-7, ...; empty bins at the ends are left out.

    >>> histogram(np.array([1, 2, 3, 9]))
    [{'from': 1, 'to': 1, 'count': 1}, {'from': 2, 'to': 3, 'count': 2}, {'from': 4, 'to': 7, 'count': 0}, \
{'from': 8, 'to': 15, 'count': 1}]
    """
    places = np.floor(np.log2(np.maximum(lengths, 1))).astype(np.int64)
    counts = np.bincount(places)
    first = int(places.min())
    return [
        {"from": 2**place, "to": 2 ** (place + 1) - 1, "count": int(counts[place])}
        for place in range(first, len(counts))
    ]


def summarise_labels(signal: Signal) -> LabelSummary | None:
    """Balance of the labels; None where the signal has none."""
    if not isinstance(signal, Labelled):
        return None
    counts = label_counts(signal.table.column("label"))
    ordered = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    rows = np.array(list(ordered.values()), dtype=np.float64)
    shares = rows / rows.sum()
    entropy = float(-(shares * np.log(shares)).sum() / np.log(len(rows))) if len(rows) > 1 else 0.0
    singles = int((rows == 1).sum())
    return LabelSummary(len(ordered), ordered, singles, round(float(rows.max() / rows.min()), 1), round(entropy, 3))


def summarise_scores(signal: Signal) -> ScoreSummary | None:
    """Range of the scores; None where the signal has none."""
    if not isinstance(signal, (Scored, Pairs)) or "score" not in signal.names:
        return None
    scores = signal.table.column("score").to_numpy()
    counts, edges = np.histogram(scores, bins=BINS if len(np.unique(scores)) > 1 else 1)
    bins = [
        {"from": float(low), "to": float(high), "count": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts)
    ]
    distinct = len(np.unique(scores))
    return ScoreSummary(float(scores.min()), float(scores.max()), float(scores.mean()), distinct, tuple(bins))


def overlaps_of(signal: Signal) -> list[dict[str, object]]:
    """For each two text columns, the share of the first one's texts that the second one holds too."""
    columns = {name: signal.texts(name) for name in signal.text_columns}
    return [
        {"of": one, "in": other, "share": round(share, 4)}
        for one in columns
        for other in columns
        if one != other and (share := _share(columns[one], columns[other])) > 0
    ]


def hints_of(signal: Signal) -> list[str]:
    """What may mislead training or flatter its scores, in plain words."""
    return [
        hint
        for hint in (
            _told_label(signal),
            _contained(signal),
            _shared_texts(signal),
            _imbalance(signal),
            _weight_column(signal),
        )
        if hint
    ]


def _share(one: pa.ChunkedArray, other: pa.ChunkedArray) -> float:
    if not len(one) or not len(other):
        return 0.0
    return float(pc.mean(pc.is_in(one, pc.unique(other)).cast(pa.float64())).as_py())


def _told_label(signal: Signal) -> str | None:
    """Texts that contain the name of their label."""
    if not isinstance(signal, Labelled):
        return None
    rows = zip(signal.column("text"), signal.column("label"))
    told = sum(len(label) > 2 and f" {normalise(label)} " in f" {normalise(text)} " for text, label in rows)
    if told < TELLING * len(signal):
        return None
    return f"{told} row(s) hold the name of their label as a word: the label may be read off instead of learnt."


def _contained(signal: Signal) -> str | None:
    """Positives that contain their anchor."""
    if not isinstance(signal, Pairs):
        return None
    rows = list(zip(signal.column("anchor"), signal.column("positive")))
    inside = sum(a != p and normalise(a) in normalise(p) for a, p in rows)
    if inside < TELLING * len(signal):
        return None
    return (
        f"{inside} row(s) hold their anchor word for word in the positive: matching words is enough for them, and "
        "scores will flatter."
    )


def _shared_texts(signal: Signal) -> str | None:
    """Texts that several rows share, so that a split by row divides them."""
    names = [name for name in signal.text_columns if pa.types.is_large_string(signal.table.column(name).type)]
    shared = {}
    for name in names:
        column = signal.table.column(name)
        counts = pc.value_counts(column).field("counts").to_numpy()
        shared[name] = int(counts[counts > 1].sum())
    rows = max(shared.values(), default=0)
    if not rows:
        return None
    name = max(shared, key=lambda n: shared[n])
    split = f"split: {{by: {signal.names.get(name, name)}}}"
    return (
        f"{rows} row(s) share their `{name}` with another row: divide rows by it (`{split}`), or the leakage rule "
        "drops many of them."
    )


def _imbalance(signal: Signal) -> str | None:
    labels = summarise_labels(signal)
    if labels is None or labels.imbalance < RARE:
        return None
    return (
        f"The most frequent label has {labels.imbalance:g} times the rows of the rarest: `classes: equal` draws every "
        "label equally often."
    )


def _weight_column(signal: Signal) -> str | None:
    if "weight" not in signal.table.column_names:
        return None
    return "There is a column `weight`: `weights: weight` draws rows in proportion to it."
