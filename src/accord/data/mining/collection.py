"""From a signal to what is mined: queries, documents, and which documents are known to be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.core.types import Ragged
from accord.data.leakage import normalise
from accord.data.mining.known import Forbidden, listed, same_class
from accord.data.signals import Labelled, Pairs, Ranked, Signal

__all__ = ["Collection"]


@dataclass(frozen=True)
class Collection:
    """Queries, documents, and what is known of them.

    Texts that differ only in case, width or white space (:func:`accord.data.normalise`) count as equal: one of them is
    searched, and none is a negative of a query that has another among its positives or is such a text itself.

    Args:
        queries: distinct texts, each with at least one positive.
        documents: distinct texts; positives come first, then negatives of the signal, then the corpus.
        searched: (places,) rows of the documents that may be found: the first of each group of equal texts.
        positives: for each query, document rows.
        origins: for each positive, in the order of `positives`, the row of the signal that it stands in first.
        forbidden: which places no query may get; for the search.
        known: for each query, the places that it may not get; None where classes say it.
        left_out: rows without a positive: a class of its own, or a score of 0 or below.
    """

    queries: list[str]
    documents: list[str]
    searched: np.ndarray
    positives: Ragged
    origins: np.ndarray
    forbidden: Forbidden
    known: Ragged | None
    left_out: int

    @classmethod
    def of(cls, signal: Signal, *, corpus: Sequence[str] = (), seed: int = 0) -> Collection:
        """Read a signal.

        Of `Pairs` and `Ranked`, all positives of one query are known, in whatever rows they stand; negatives that the
        rows have already are candidates like any other document. Of `Labelled`, each text is a query, another text of
        its class, drawn by `seed`, its positive, and no text of its class a negative.

        Args:
            signal: `Pairs`, `Ranked` or `Labelled`.
            corpus: further documents.
            seed: of the draw.

        Raises:
            InputError: another signal, or no row with a positive.

        >>> pairs = Pairs.of({"anchor": ["a", "a", "b"], "positive": ["x", "y", "X"]})
        >>> found = Collection.of(pairs, corpus=["z", "A"])
        >>> found.queries, found.documents, found.known[0].tolist()
        (['a', 'b'], ['x', 'y', 'X', 'z', 'A'], [0, 1, 3])
        """
        if isinstance(signal, Labelled) and "text2" not in signal.names:
            return _of_classes(signal, corpus, seed)
        if not isinstance(signal, (Pairs, Ranked)):
            raise InputError(
                f"Negatives are mined for Pairs, Ranked or Labelled. {signal.origin or 'The signal'} is "
                f"{type(signal).__name__}: name its columns (anchor, positive), or mine paraphrases instead."
            )
        return _of_lists(signal, corpus)


class _Texts:
    """Distinct texts by row, and which of them are equal but for case, width and white space."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.groups: list[int] = []
        self._group: dict[str, int] = {}

    def add(self, text: str) -> int:
        """The row of a text."""
        row = self.rows.setdefault(text, len(self.rows))
        if row == len(self.groups):
            self.groups.append(self._group.setdefault(normalise(text), len(self._group)))
        return row

    def group(self, text: str) -> int | None:
        """The group of a text that need not be among them."""
        return self.groups[self.rows[text]] if text in self.rows else self._group.get(normalise(text))

    def firsts(self) -> np.ndarray:
        """The first row of each group; groups are numbered as they appear."""
        return np.unique(np.array(self.groups, dtype=np.int64), return_index=True)[1]


def _of_lists(signal: Pairs | Ranked, corpus: Iterable[str]) -> Collection:
    documents, queries = _Texts(), _Texts()
    positives: list[dict[int, int]] = []
    left_out = 0
    for origin, (query, right) in enumerate(_judged(signal)):
        if not right:
            left_out += 1
            continue
        row = queries.add(query)
        if row == len(positives):
            positives.append({})
        for text in right:
            positives[row].setdefault(documents.add(text), origin)
    if not positives:
        raise InputError(f"{signal.origin or 'The signal'} has no row with a positive: there is nothing to mine for.")
    for text in (*_negatives(signal), *corpus):
        documents.add(text)
    known: dict[int, set[int]] = {}
    for row, found in enumerate(positives):
        known.setdefault(queries.groups[row], set()).update(documents.groups[document] for document in found)
    for text, row in queries.rows.items():
        own = documents.group(text)
        if own is not None:
            known[queries.groups[row]].add(own)
    forbidden = Ragged.of([sorted(known[group]) for group in queries.groups], dtype=np.int64)
    return Collection(
        queries=list(queries.rows),
        documents=list(documents.rows),
        searched=documents.firsts(),
        positives=Ragged.of([list(found) for found in positives], dtype=np.int64),
        origins=np.fromiter((row for found in positives for row in found.values()), dtype=np.int64),
        forbidden=listed(forbidden),
        known=forbidden,
        left_out=left_out,
    )


def _judged(signal: Pairs | Ranked) -> Iterable[tuple[str, list[str]]]:
    """Query and positives of each row."""
    if isinstance(signal, Ranked):
        yield from zip(signal.column("query"), signal.column("pos"))
        return
    anchors, texts = signal.column("anchor"), signal.column("positive")
    scores: list[Any] = signal.column("score") if "score" in signal.names else [1.0] * len(anchors)
    for anchor, text, score in zip(anchors, texts, scores):
        yield anchor, [text] if score > 0 else []


def _negatives(signal: Pairs | Ranked) -> Iterable[str]:
    """Texts of the signal that are nobody's positive, as far as the rows say."""
    names = ("neg",) if isinstance(signal, Ranked) else signal.negative_columns
    for name in names:
        yield from signal.texts(name).to_pylist()
    if isinstance(signal, Pairs) and "score" in signal.names:
        yield from signal.column("positive")
    corpus = signal.corpus if isinstance(signal, Pairs) else None
    if corpus is not None:
        yield from corpus.column("text").to_pylist()


def _of_classes(signal: Labelled, corpus: Sequence[str], seed: int) -> Collection:
    texts = _Texts()
    classes: dict[str, int] = {}
    firsts: list[int] = []  # the row of the signal in which a text stands first
    members: dict[int, set[int]] = {}  # group of texts -> its classes
    lead: list[int] = []  # class of a text in its first row
    for origin, (text, label) in enumerate(zip(signal.column("text"), signal.column("label"))):
        row, code = texts.add(text), classes.setdefault(label, len(classes))
        if row == len(firsts):
            firsts.append(origin)
            lead.append(code)
        members.setdefault(texts.groups[row], set()).add(code)
    own = len(firsts)
    for text in corpus:
        texts.add(text)
    groups = np.array(texts.groups, dtype=np.int64)
    partner = _partners(groups[:own], members, np.array(lead), numpy_generator(seed, "positives"))
    queries = np.flatnonzero(partner >= 0)
    if not len(queries):
        raise InputError(f"{signal.origin or 'The signal'} has no class with two texts: there is nothing to mine for.")
    searched = texts.firsts()
    table = _padded([sorted(members.get(group, ())) for group in range(len(searched))])
    names = list(texts.rows)
    return Collection(
        queries=[names[row] for row in queries],
        documents=names,
        searched=searched,
        positives=Ragged(searched[partner[queries]], np.arange(len(queries) + 1)),
        origins=np.array(firsts, dtype=np.int64)[queries],
        forbidden=same_class(table[groups[queries]], table),
        known=None,
        left_out=own - len(queries),
    )


def _partners(
    groups: np.ndarray, members: dict[int, set[int]], lead: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """For each text another group of texts in its class, -1 where there is none."""
    by_class: dict[int, list[int]] = {}
    for group, codes in members.items():
        for code in codes:
            by_class.setdefault(code, []).append(group)
    place = {(code, group): i for code, several in by_class.items() for i, group in enumerate(several)}
    draws = generator.random(len(groups))
    partner = np.full(len(groups), -1, dtype=np.int64)
    for row, (group, code, draw) in enumerate(zip(groups.tolist(), lead.tolist(), draws.tolist())):
        several = by_class[code]
        if len(several) > 1:
            step = 1 + int(draw * (len(several) - 1))
            partner[row] = several[(place[code, group] + step) % len(several)]
    return partner


def _padded(rows: Sequence[Sequence[int]]) -> np.ndarray:
    table = np.full((len(rows), max(1, *map(len, rows)) if rows else 1), -1, dtype=np.int64)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table
