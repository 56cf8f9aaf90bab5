"""Pools: for each query the candidates that a reranker has to order, with their grades."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from accord.core.errors import InputError
from accord.data.leakage import normalise
from accord.data.signals import Pairs, Ranked, Signal

__all__ = ["Pool", "pools"]


@dataclass
class Pool:
    """The candidates of one query.

    Args:
        name: of the row that the query stands in.
        query: its text.
        texts: the candidates.
        grades: how relevant each is; above 0 counts as relevant.
        keys: what decides between candidates of equal score: the larger goes first.
    """

    name: str
    query: str
    texts: list[str] = field(default_factory=list)
    grades: list[float] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def add(self, text: str, grade: float, key: str) -> None:
        """One more candidate."""
        self.texts.append(text)
        self.grades.append(grade)
        self.keys.append(key)

    @property
    def has_both(self) -> bool:
        """Whether there is something relevant and something that is not."""
        return any(grade > 0 for grade in self.grades) and any(grade <= 0 for grade in self.grades)

    def distinct(self) -> Pool:
        """The same pool with equal texts joined, their highest grade kept, and without the query's own text.

        Texts are equal as :func:`accord.data.leakage.normalise` has it; the text decides between equal scores, since
        it knows nothing of the grade.
        """
        best: dict[str, tuple[str, float]] = {}
        for text, grade in zip(self.texts, self.grades):
            key = normalise(text)
            held = best.get(key, (text, grade))
            best[key] = held[0], max(held[1], grade)
        own = normalise(self.query)
        pool = Pool(self.name, self.query)
        for key, (text, grade) in best.items():
            if key != own or grade > 0:
                pool.add(text, grade, key)
        return pool


def pools(signal: Signal, *, grades: str | None = None, named: bool = False) -> list[Pool]:
    """The pool of each query that has something to order.

    Lists give a pool a row: their positives, of grade 1 or as the column `grades` says, and their negatives, of grade
    0. Pairs with a `score` give a pool a query: its positives with their scores, and negatives of grade 0.

    Args:
        signal: lists or pairs.
        grades: column of the lists with a grade for each positive.
        named: keep every candidate, and let its place decide between equal scores as mteb does: negatives before
            positives, later ones first.

    Raises:
        InputError: another kind of signal, grades that do not match, or no query with both kinds of candidates.

    >>> lists = Ranked({"query": ["red"], "pos": [["rose"]], "neg": [["sky", "Sky"]]})
    >>> [(pool.texts, pool.grades) for pool in pools(lists)]
    [(['rose', 'sky'], [1.0, 0.0])]
    """
    if isinstance(signal, Ranked):
        found = list(_of_lists(signal, grades))
    elif isinstance(signal, Pairs):
        if grades is not None:
            raise InputError("`grades` names a column of Ranked. Pairs are graded by their `score`.")
        found = _of_pairs(signal, named=named)
    else:
        raise InputError(f"Reranking is measured on Ranked or Pairs. Got {type(signal).__name__} instead.")
    found = [pool if named else pool.distinct() for pool in found]
    kept = [pool for pool in found if pool.has_both]
    if not kept:
        raise InputError(
            "No query has candidates of both kinds, relevant and not. Give `neg` (Ranked), or pairs with `score` 0."
        )
    return kept


def _of_lists(signal: Ranked, grades: str | None) -> Iterable[Pool]:
    given = signal.column(grades) if grades is not None else [None] * len(signal)
    rows = zip(signal.ids, signal.column("query"), signal.column("pos"), signal.column("neg"), given)
    for name, query, good, bad, marks in rows:
        if grades is not None and not _are_grades(marks, len(good)):
            raise InputError(f"`{grades}` must give a number for each of the {len(good)} positives of row {name!r}.")
        pool = Pool(name, query)
        for i, text in enumerate(good):
            pool.add(text, 1.0 if marks is None else float(marks[i]), f"apositive_{i:05d}")
        for i, text in enumerate(bad or ()):
            pool.add(text, 0.0, f"negative_{i:05d}")
        yield pool


def _are_grades(marks: object, count: int) -> bool:
    return isinstance(marks, list) and len(marks) == count and all(isinstance(mark, (int, float)) for mark in marks)


def _of_pairs(signal: Pairs, *, named: bool) -> list[Pool]:
    columns = signal.table.column_names
    rows = range(len(signal))
    anchors, positives, ids = signal.column("anchor"), signal.column("positive"), signal.ids
    scores = signal.column("score") if "score" in columns else [1.0] * len(signal)
    asked = signal.column("query_id") if named and "query_id" in columns else anchors
    keys = signal.column("document_id") if named and "document_id" in columns else ids
    negatives = [signal.column(name) for name in signal.negative_columns]
    held: dict[str, Pool] = {}
    for row in rows:
        key = str(asked[row]) if named else normalise(asked[row])
        pool = held.setdefault(key, Pool(ids[row], anchors[row]))
        pool.add(positives[row], float(scores[row]), str(keys[row]))
        for place, column in enumerate(negatives):
            if column[row] is not None:
                pool.add(column[row], 0.0, f"{ids[row]}.{place}")
    return list(held.values())
