"""Hard negatives: documents that a model ranks high for a query and that are not its answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_at_least, check_choice, check_fraction
from accord.core.errors import InputError
from accord.core.random import numpy_generator

__all__ = ["REASONS", "Mined", "NegativeRules", "Veto", "hard_negatives", "judge", "limits"]

REASONS = ("kept", "absent", "rank", "margin", "relative_margin", "max_score", "min_score")
"""What :func:`judge` says of a candidate, by its code: kept, no such document, or the first rule that refused it."""

SAMPLINGS = ("top", "random")

Veto = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Scores by a second model: from (n,) query rows and (n,) document rows to (n,) scores."""


@dataclass(frozen=True, kw_only=True)
class NegativeRules:
    r"""Which candidates may become negatives, and how many of them.

    With :math:`p` the lowest score of the query's positives, a candidate of score :math:`s` at rank :math:`r` (from 0)
    stays when all of these hold that are given:

    .. math::
        \mathrm{start} \le r < \mathrm{stop}, \quad s \le p - \mathrm{margin}, \quad
        s \le p - \mathrm{relative\_margin} \cdot |p|, \quad \mathrm{min\_score} \le s \le \mathrm{max\_score}

    Also known as: TopK-MarginPos (margin), TopK-PercPos (relative margin), range for sampling, shifted top-k,
    mine_hard_negatives.

    Reference: Moreira et al. (2024), NV-Retriever, arXiv:2407.15831, TopK-MarginPos and TopK-PercPos; Solatorio (2024),
    GISTEmbed, arXiv:2402.16829, for the guide.

    Differs from the paper: the percentage of the positive's score is written as the part that is taken off, so
    `relative_margin=0.05` is its 95 %; it is taken off the score's size, so that the bound lies below the positive for
    negative scores too. With several positives the lowest one counts.

    Args:
        negatives: wanted of each query, at least 1.
        ranks: first rank and the one past the last, from 0; known positives and equal texts have no rank.
        margin: least distance below the positive.
        relative_margin: least distance below the positive, as a part of its size, in [0, 1].
        max_score: largest score of a negative.
        min_score: smallest score of a negative.
        guide_margin: least distance below the positive in the guide's scores, as a part of its size, in [0, 1].
        sampling: "top" takes the best that stay, "random" any of them.
        seed: of random sampling.

    Raises:
        InputError: a value that cannot be, or fewer ranks than negatives.

    >>> NegativeRules(negatives=1, ranks=(0, 10), margin=0.1).ranks
    (0, 10)
    """

    negatives: int = 5
    ranks: tuple[int, int] = (10, 60)
    margin: float | None = None
    relative_margin: float | None = None
    max_score: float | None = None
    min_score: float | None = None
    guide_margin: float = 0.0
    sampling: str = "top"
    seed: int = 0

    def __post_init__(self) -> None:
        check_at_least("negatives", self.negatives, 1)
        start, stop = self.ranks
        if not 0 <= start < stop:
            raise InputError(f"`ranks` must be a first rank from 0 and a larger one past the last. Got {start}:{stop}.")
        if stop - start < self.negatives:
            raise InputError(
                f"`ranks` {start}:{stop} hold {stop - start} candidates, fewer than `negatives` = {self.negatives}. "
                "Widen the ranks, or ask for fewer."
            )
        if self.margin is not None:
            check_at_least("margin", self.margin, 0)
        for name in ("relative_margin", "guide_margin"):
            if getattr(self, name) is not None:
                check_fraction(name, getattr(self, name))
        for name in ("margin", "max_score", "min_score"):
            if not math.isfinite(getattr(self, name) or 0.0):
                raise InputError(f"`{name}` must be finite. Got {getattr(self, name)} instead.")
        if self.max_score is not None and self.min_score is not None and self.min_score > self.max_score:
            raise InputError(f"`min_score` must not exceed `max_score`. Got {self.min_score} and {self.max_score}.")
        check_choice("sampling", self.sampling, SAMPLINGS)


@dataclass(frozen=True)
class Mined:
    """The negatives of each query, best score first, and what became of all candidates.

    Args:
        documents: (queries, negatives) document rows, -1 where none was found.
        scores: (queries, negatives) float32, minus infinity where none was found.
        guide_scores: the same by the guide; None without one.
        counts: candidates looked at ("candidates"); refused, by the first rule that did ("rank", "margin",
            "relative_margin", "max_score", "min_score", "guide"); left over ("spare"); taken ("taken").
    """

    documents: np.ndarray
    scores: np.ndarray
    guide_scores: np.ndarray | None
    counts: Mapping[str, int]

    @property
    def found(self) -> np.ndarray:
        """(queries,) how many negatives each query got."""
        return (self.documents >= 0).sum(axis=1)


def hard_negatives(
    documents: np.ndarray,
    scores: np.ndarray,
    positives: np.ndarray,
    rules: NegativeRules,
    *,
    veto: Veto | None = None,
    veto_positives: np.ndarray | None = None,
) -> Mined:
    """Choose the negatives of each query among its ranked candidates.

    A guide is asked whenever it is given, with or without other rules, and only about candidates that the other rules
    leave and that are still needed: first about as many as are wanted, then about the next ones of the queries that it
    left short.

    Args:
        documents: (queries, ranks) document rows, best first, -1 where there are no more; without known positives.
        scores: (queries, ranks) of the candidates.
        positives: (queries,) the lowest score of each query's positives.
        rules: what may be taken.
        veto: scores by a guide; a candidate that it does not put below the positive is refused.
        veto_positives: (queries,) the lowest guide score of each query's positives.

    Returns:
        Negatives and counts.

    Raises:
        InputError: shapes that do not fit, or a guide without its scores of the positives.

    >>> rules = NegativeRules(negatives=1, ranks=(0, 3), margin=0.1)
    >>> found = hard_negatives(np.array([[7, 4, 2]]), np.array([[0.9, 0.75, 0.1]]), np.array([0.8]), rules)
    >>> found.documents.tolist(), found.counts["margin"]
    ([[2]], 2)
    """
    if scores.shape != documents.shape or positives.shape != documents.shape[:1]:
        shapes = documents.shape, scores.shape, positives.shape
        raise InputError(f"`documents` and `scores` must be (queries, ranks), `positives` (queries,). Got {shapes}.")
    if (veto is None) != (veto_positives is None):
        raise InputError("`veto` and `veto_positives` must be given together.")
    reasons = judge(documents, scores, positives, rules)
    counts = {"candidates": int((documents >= 0).sum())}
    counts |= {name: int((reasons == code).sum()) for code, name in enumerate(REASONS) if code > 1}
    order = _preference(reasons == 0, rules)
    if veto is None or veto_positives is None:
        places, asked = order[:, : rules.negatives], None
    else:
        places, asked, refused = _guided(order, documents, limits(veto_positives, rules.guide_margin), rules, veto)
        counts["guide"] = refused
    taken = int((places >= 0).sum())
    counts |= {"spare": int((reasons == 0).sum()) - taken - counts.get("guide", 0), "taken": taken}
    return _arranged(documents, scores, asked, places, counts, rules.negatives)


def limits(positives: np.ndarray, relative_margin: float | None) -> np.ndarray:
    """The largest score that lies the relative margin below each positive, in float64.

    >>> limits(np.array([0.8, -0.8]), 0.05).round(2).tolist()
    [0.76, -0.84]
    """
    wide = np.asarray(positives, dtype=np.float64)
    return wide - (relative_margin or 0.0) * np.abs(wide)


def judge(documents: np.ndarray, scores: np.ndarray, positives: np.ndarray, rules: NegativeRules) -> np.ndarray:
    """The code in :data:`REASONS` of each candidate: the first rule that refuses it, or 0.

    Args:
        documents: (queries, ranks) document rows, -1 where there are no more.
        scores: (queries, ranks).
        positives: (queries,) the lowest score of each query's positives.
        rules: what may be taken; sampling and the guide are not looked at.

    Returns:
        (queries, ranks) uint8.
    """
    wide = np.asarray(scores, dtype=np.float64)
    rank = np.arange(documents.shape[1])
    start, stop = rules.ranks
    refused = {
        "absent": documents < 0,
        "rank": np.broadcast_to((rank < start) | (rank >= stop), documents.shape),
    }
    if rules.margin is not None:
        refused["margin"] = wide > np.asarray(positives, dtype=np.float64)[:, None] - rules.margin
    if rules.relative_margin is not None:
        refused["relative_margin"] = wide > limits(positives, rules.relative_margin)[:, None]
    if rules.max_score is not None:
        refused["max_score"] = wide > rules.max_score
    if rules.min_score is not None:
        refused["min_score"] = wide < rules.min_score
    reasons = np.zeros(documents.shape, dtype=np.uint8)
    for name, mask in refused.items():
        reasons[mask & (reasons == 0)] = REASONS.index(name)
    return reasons


def _preference(kept: np.ndarray, rules: NegativeRules) -> np.ndarray:
    """(queries, ranks) places of the candidates that stay, in the order in which to take them, then -1."""
    keys = np.broadcast_to(np.arange(kept.shape[1], dtype=np.float64), kept.shape)
    if rules.sampling == "random":
        keys = numpy_generator(rules.seed, "hard negatives").random(kept.shape)
    order = np.argsort(np.where(kept, keys, np.inf), axis=1, kind="stable")
    return np.where(np.take_along_axis(kept, order, axis=1), order, -1)


def _guided(
    order: np.ndarray, documents: np.ndarray, bound: np.ndarray, rules: NegativeRules, veto: Veto
) -> tuple[np.ndarray, np.ndarray, int]:
    """Places that the guide leaves, its scores of all it was asked about (NaN elsewhere), and how many it refused."""
    asked = np.full(documents.shape, np.nan, dtype=np.float32)
    left = np.zeros(order.shape, dtype=bool)  # places of `order` that passed
    here = np.zeros(len(order), dtype=np.int64)  # how far each query's order was asked about
    number, available = np.arange(order.shape[1]), (order >= 0).sum(axis=1)
    while True:
        ahead = np.where(here < available, rules.negatives - left.sum(axis=1), 0)
        query, step = np.nonzero((number >= here[:, None]) & (number < np.minimum(here + ahead, available)[:, None]))
        if not len(query):
            break
        place = order[query, step]
        found = np.asarray(veto(query, documents[query, place]), dtype=np.float32)
        if found.shape != query.shape or not np.isfinite(found).all():
            raise InputError(f"The guide must give one finite score a pair, ({len(query)},). Got {found.shape}.")
        asked[query, place] = found
        left[query, step] = found.astype(np.float64) <= bound[query]
        here = np.minimum(here + ahead, available)
    first = np.argsort(~left, axis=1, kind="stable")[:, : rules.negatives]
    places = np.where(np.take_along_axis(left, first, axis=1), np.take_along_axis(order, first, axis=1), -1)
    return places, asked, int(here.sum() - left.sum())


def _arranged(
    documents: np.ndarray,
    scores: np.ndarray,
    asked: np.ndarray | None,
    places: np.ndarray,
    counts: Mapping[str, int],
    width: int,
) -> Mined:
    """What stands at the chosen places, by rank."""
    last = documents.shape[1]
    places = np.sort(np.where(places < 0, last, places), axis=1)
    if places.shape[1] < width:
        places = np.pad(places, ((0, 0), (0, width - places.shape[1])), constant_values=last)

    def at(table: np.ndarray, filler: float) -> np.ndarray:
        return np.take_along_axis(np.pad(table, ((0, 0), (0, 1)), constant_values=filler), places, axis=1)

    guide = None if asked is None else np.where(places < last, at(asked, -np.inf), -np.inf).astype(np.float32)
    return Mined(at(documents, -1), at(scores.astype(np.float32), -np.inf), guide, dict(counts))
