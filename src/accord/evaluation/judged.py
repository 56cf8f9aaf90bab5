"""Rankings with their judgements: what every ranking metric is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from accord.core.errors import InputError
from accord.maths.ranks import id_order, rounded_scores

__all__ = ["Judged", "check_cut", "judge", "judged_ranking"]


def check_cut(k: object) -> None:
    """Refuse a cut that is not a whole number of at least 1.

    Raises:
        InputError: with the value.

    >>> check_cut(0)
    Traceback (most recent call last):
    accord.core.errors.InputError: `k` must be a whole number of at least 1. Got 0 instead.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"`k` must be a whole number of at least 1. Got {k!r} instead.")


@dataclass(frozen=True)
class Judged:
    """A ranking of documents for each query, as grades.

    Args:
        gains: (queries, depth) grade of the document at each rank, best rank first; 0 where it is not judged relevant
            or there is none.
        ideal: (queries, depth) grades of the relevant documents, largest first, 0 beyond them.
        relevant: (queries,) how many documents are relevant (grade above 0).
        hits: (queries, depth), True where the document is relevant; follows from `gains`.
    """

    gains: np.ndarray
    ideal: np.ndarray
    relevant: np.ndarray
    hits: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shapes = self.gains.shape, self.ideal.shape, self.relevant.shape
        if len(shapes[0]) != 2 or shapes[0] != shapes[1] or shapes[2] != shapes[0][:1]:
            raise InputError(f"`gains` and `ideal` must be (queries, depth), `relevant` (queries,). Got {shapes}.")
        object.__setattr__(self, "hits", self.gains > 0)

    def __len__(self) -> int:
        return len(self.gains)

    @property
    def depth(self) -> int:
        """Ranks that are known; a metric with a deeper cut sees no document beyond."""
        return self.gains.shape[1]


def judged_ranking(ranking: np.ndarray, relevance: Sequence[Mapping[int, float]], *, depth: int) -> Judged:
    """Look up the grades of ranked documents.

    Args:
        ranking: (queries, any depth) document numbers, best first, -1 for none.
        relevance: for each query, grade by document number; grades of 0 and below count as not relevant.
        depth: ranks to keep.

    Returns:
        The judged ranking of `depth` ranks.

    >>> judged_ranking(np.array([[4, 2, -1]]), [{2: 1.0, 9: 3.0}], depth=2).gains.tolist()
    [[0.0, 1.0]]
    """
    check_cut(depth)
    queries = len(relevance)
    if ranking.ndim != 2 or len(ranking) != queries:
        raise InputError(f"`ranking` must have a row for each of the {queries} queries. Got {ranking.shape}.")
    width = min(depth, ranking.shape[1])
    gains = np.zeros((queries, depth))
    for i, (row, line) in enumerate(zip(relevance, ranking[:, :width].tolist())):
        gains[i, :width] = [row.get(document, 0.0) for document in line]
    return Judged(np.maximum(gains, 0.0), *_ideal([list(row.values()) for row in relevance], depth))


def judge(
    qrels: Mapping[str, Mapping[str, float]], run: Mapping[str, Mapping[str, float]], *, depth: int | None = None
) -> Judged:
    """Rank a run as trec_eval does and look up its grades; one row a query of `qrels`, in their order.

    Scores are compared in float32, ties go to the larger document identifier (as strings), and a query that is missing
    from the run keeps its row, empty. Queries of the run that nobody judged are ignored.

    Also known as: the dictionaries of pytrec_eval, ranx and ir_measures.

    Differs from pytrec_eval: a missing query counts 0 instead of leaving the mean.

    Args:
        qrels: grade by document by query.
        run: score by document by query.
        depth: ranks to keep; all when None.

    Returns:
        The judged rankings.

    Raises:
        InputError: a score that is not a number.

    >>> judge({"q": {"a": 1, "b": 2}}, {"q": {"a": -0.1, "c": -0.1}}).gains.tolist()
    [[0.0, 1.0]]
    """
    lines = [run.get(query, {}) for query in qrels]
    lengths = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))
    if depth is None:
        depth = max([1, *map(len, lines), *map(len, qrels.values())])
    check_cut(depth)
    starts, total = np.cumsum(lengths) - lengths, int(lengths.sum())
    values = chain.from_iterable(line.values() for line in lines)
    best = _best_first(rounded_scores(np.fromiter(values, np.float64, count=total)), lengths, lines)
    grades = np.zeros(total)
    for start, row, line in zip(starts.tolist(), qrels.values(), lines):
        places = dict(zip(line, range(start, start + len(line))))
        for document in row.keys() & places.keys():
            grades[places[document]] = max(0.0, row[document])
    query = np.repeat(np.arange(len(lines)), lengths)
    rank = np.arange(total) - np.repeat(starts, lengths)
    inside = rank < depth
    gains = np.zeros((len(lines), depth))
    gains[query[inside], rank[inside]] = grades[best][inside]
    return Judged(gains, *_ideal([list(row.values()) for row in qrels.values()], depth))


def _best_first(scores: np.ndarray, lengths: np.ndarray, lines: Sequence[Mapping[str, float]]) -> np.ndarray:
    """Flat positions ordered by query, score descending, identifier descending; identifiers are read for ties only."""
    query = np.repeat(np.arange(len(lengths)), lengths)
    bits = (scores + np.float32(0)).view(np.int32).astype(np.int64)  # minus zero equals zero
    rising = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)  # ordered as the scores are
    best = np.argsort((query << 33) - rising, kind="stable")
    same = (scores[best][1:] == scores[best][:-1]) & (query[1:] == query[:-1])
    if not same.any():
        return best
    tied = best[np.r_[same, False] | np.r_[False, same]]
    ids = list(chain.from_iterable(lines))
    place = np.zeros(len(scores), dtype=np.int64)
    place[tied] = id_order([ids[i] for i in tied.tolist()])
    return np.lexsort((-place, -scores, query))


def _ideal(grades: Sequence[Sequence[float]], depth: int) -> tuple[np.ndarray, np.ndarray]:
    """The best possible gains of each query, and how many documents are relevant."""
    ideal = np.zeros((len(grades), depth))
    relevant = np.zeros(len(grades), dtype=np.int64)
    for i, row in enumerate(grades):
        best = sorted((g for g in row if g > 0), reverse=True)
        relevant[i] = len(best)
        ideal[i, : min(len(best), depth)] = best[:depth]
    return ideal, relevant
