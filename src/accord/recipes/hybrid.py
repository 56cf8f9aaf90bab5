"""Weights of a hybrid search: learnt on queries whose answers are known, and their gain tested on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.records import Comparison
from accord.data.sources import RetrievalFolder
from accord.evaluation.judged import judge
from accord.evaluation.measured import of_values
from accord.evaluation.named import metric as named_metric
from accord.evaluation.observed import Observed
from accord.evaluation.statistics import compare
from accord.retrieval import Hybrid, Lexical, Store
from accord.retrieval.fusion import Fuses, ReciprocalRank, WeightedSum, learn_weights

__all__ = ["LearntHybrid", "compare_modes", "learn_hybrid"]

SIDES = ("dense", "lexical")
RANKS, LEARNT = "hybrid by ranks", "hybrid by learnt weights"
Scores = Mapping[str, Mapping[str, float]]
"""By query and document."""


@dataclass(frozen=True)
class LearntHybrid:
    """A hybrid search whose weights were learnt, and what they are worth.

    Args:
        mode: for :meth:`accord.retrieval.Store.search`.
        weights: of the dense and the lexical side, with the sum 1.
        dev: mean of the metric on the queries that were learnt from, by way of searching.
        test: the same on the other queries; empty without any.
        comparisons: of the learnt hybrid with each other way, on the test queries, after Holm's correction.
    """

    mode: Hybrid
    weights: Sequence[float]
    dev: Mapping[str, float]
    test: Mapping[str, float]
    comparisons: Sequence[Comparison]


def learn_hybrid(
    store: Store,
    dev: RetrievalFolder,
    test: RetrievalFolder | None = None,
    *,
    metric: Any = "nDCG@10",
    candidates: int = 100,
    scale: str = "min-max",
    lexical: Lexical | None = None,
    progress: Progress = silent,
) -> LearntHybrid:
    """Find the weights of :class:`~accord.retrieval.fusion.WeightedSum` that do best on the dev queries.

    Queries of the test are not looked at before the weights stand. The gain over searching by vectors, by words, and by
    both with their ranks fused, is tested on them by a paired permutation test.

    Reference: Bruch, Gai & Ingber (2023), arXiv:2210.11934, section 4.2.

    Args:
        store: holds the documents that the judgements name, under the same ids.
        dev: queries with judgements to learn from; some dozens are enough for one weight.
        test: other queries.
        metric: that is made as large as possible, such as "nDCG@10" or "MRR@10".
        candidates: of each side.
        scale: on which scores are added: "min-max", "z" or "none".
        lexical: settings of the lexical side.
        progress: opens bars.

    Returns:
        The mode to search with, and the scores of all ways.

    Raises:
        InputError: judgements that name no document of the store, or queries that dev and test share.
    """
    check_at_least("candidates", candidates, 1)
    known, others = _judged(store, dev), {} if test is None else _judged(store, test)
    if shared := known.keys() & others.keys():
        raise InputError(f"`dev` and `test` share {len(shared)} queries, such as {min(shared)!r}. Take other ones.")
    found = _sides(store, known, candidates, lexical, progress)

    def value(weights: list[float]) -> float:
        return float(_values(known, _fused(found, WeightedSum(weights, scale=scale)), metric).mean())

    weights = learn_weights(value, len(SIDES))
    chosen = WeightedSum(weights, scale=scale)
    by_dev = _all_ways(known, found, chosen, metric)
    by_test = _all_ways(others, _sides(store, others, candidates, lexical, progress), chosen, metric) if others else {}
    return LearntHybrid(
        mode=Hybrid(chosen, candidates=candidates, lexical=lexical),
        weights=weights,
        dev={way: round(float(values.mean()), 6) for way, values in by_dev.items()},
        test={way: round(float(values.mean()), 6) for way, values in by_test.items()},
        comparisons=_compared(by_test, list(others), metric, LEARNT) if by_test else [],
    )


def compare_modes(
    store: Store,
    data: RetrievalFolder,
    modes: Mapping[str, Any],
    *,
    metric: Any = "nDCG@10",
    progress: Progress = silent,
) -> tuple[dict[str, float], list[Comparison]]:
    """Measure ways of searching on queries whose answers are known: which one suits these documents.

    Args:
        store: holds the documents that the judgements name, under the same ids.
        data: queries with judgements.
        modes: by a name, what :meth:`accord.retrieval.Store.search` takes as `mode`.
        metric: a ranking metric.
        progress: opens bars.

    Returns:
        The mean of each, and each against the first, after Holm's correction.

    Raises:
        InputError: no mode, or judgements that name no document of the store.
    """
    if not modes:
        raise InputError("`modes` must name at least one way of searching.")
    known, measure = _judged(store, data), named_metric(metric)
    found: dict[str, np.ndarray] = {}
    for name, mode in modes.items():
        with progress(name, total=len(known), unit="queries") as advance:
            run: dict[str, dict[str, float]] = {}
            for query, (text, _) in known.items():
                hits = store.search(text, k=measure.k, mode=mode)
                run[query] = {hit.id: -float(hit.rank) for hit in hits}
                advance(1)
        found[name] = _values(known, run, metric)
    first = next(iter(found))
    means = {name: float(values.mean()) for name, values in found.items()}
    return means, _compared(found, list(known), metric, first) if len(found) > 1 else []


Asked = Mapping[str, tuple[str, Mapping[str, float]]]
"""By the query's id: its text, and the grades of its documents."""


def _judged(store: Store, data: RetrievalFolder) -> dict[str, tuple[str, dict[str, float]]]:
    found: dict[str, tuple[str, dict[str, float]]] = {}
    for row in data.load().to_pylist():
        found.setdefault(row["query_id"], (row["anchor"], {}))[1][row["document_id"]] = float(row["score"])
    named = {document for _, grades in found.values() for document in grades}
    if not any(document in store for document in named):
        raise InputError(f"{store!r} holds none of the {len(named)} documents that {data!r} judges. Index its corpus.")
    return found


Sides = Mapping[str, tuple[list[str], np.ndarray]]
"""By the query's id: documents that either side finds, and the score of each side for each, (2, documents)."""


def _sides(
    store: Store, asked: Asked, candidates: int, lexical: Lexical | None, progress: Progress
) -> dict[str, tuple[list[str], np.ndarray]]:
    found, mode = {}, Hybrid(candidates=candidates, lexical=lexical)
    with progress("search", total=len(asked), unit="queries") as advance:
        for query, (text, _) in asked.items():
            found[query] = store.sides(text, mode)
            advance(1)
    return found


def _fused(found: Sides, method: Fuses) -> Scores:
    return {
        query: dict(zip(names, method.fuse(scores[:, None])[0].tolist())) if names else {}
        for query, (names, scores) in found.items()
    }


def _values(asked: Asked, run: Scores, metric: Any) -> np.ndarray:
    measure = named_metric(metric)
    return measure(judge({query: grades for query, (_, grades) in asked.items()}, run, depth=measure.k))


def _all_ways(asked: Asked, found: Sides, chosen: Fuses, metric: Any) -> dict[str, np.ndarray]:
    dense = {query: dict(zip(names, scores[0].tolist())) for query, (names, scores) in found.items()}
    words = {
        query: {name: score for name, score in zip(names, scores[1].tolist()) if score}  # 0: has none of the words
        for query, (names, scores) in found.items()
    }
    runs = {**dict(zip(SIDES, (dense, words))), RANKS: _fused(found, ReciprocalRank()), LEARNT: _fused(found, chosen)}
    return {way: _values(asked, run, metric) for way, run in runs.items()}


def _compared(values: Mapping[str, np.ndarray], queries: list[str], metric: Any, against: str) -> list[Comparison]:
    observed = [
        Observed(model=way, task="search", seed=0, measured=of_values(metric, queries, of, primary=True))
        for way, of in values.items()
    ]
    return compare(observed, [(against, way) for way in values if way != against])
