"""Rankings with their judgements: what every ranking metric is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    lengths = np.fromiter((len(line) for line in lines), dtype=np.int64, count=len(lines))
    if depth is None:
        depth = max([1, *map(len, lines), *map(len, qrels.values())])
    ids = [document for line in lines for document in line]
    scores = rounded_scores(np.fromiter((s for line in lines for s in line.values()), np.float64, count=len(ids)))
    place = id_order(ids)
    query = np.repeat(np.arange(len(lines)), lengths)
    best = np.lexsort((-place, -scores, query))
    rank = np.arange(len(best)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    judged = np.fromiter(
        (float(row.get(d, 0.0)) for row, line in zip(qrels.values(), lines) for d in line), np.float64, count=len(ids)
    )
    inside = rank < depth
    gains = np.zeros((len(lines), depth))
    gains[query[inside], rank[inside]] = np.maximum(judged[best][inside], 0.0)
    return Judged(gains, *_ideal([list(row.values()) for row in qrels.values()], depth))


def _ideal(grades: Sequence[Sequence[float]], depth: int) -> tuple[np.ndarray, np.ndarray]:
    """The best possible gains of each query, and how many documents are relevant."""
    ideal = np.zeros((len(grades), depth))
    relevant = np.zeros(len(grades), dtype=np.int64)
    for i, row in enumerate(grades):
        best = sorted((g for g in row if g > 0), reverse=True)
        relevant[i] = len(best)
        ideal[i, : min(len(best), depth)] = best[:depth]
    return ideal, relevant
