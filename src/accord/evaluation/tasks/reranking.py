"""Reranking: the relevant candidates of each query's own pool go to its top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.data.signals import Pairs, Ranked, Signal
from accord.evaluation.base import RankingMetric
from accord.evaluation.encoding import encode_documents, encode_queries, similarity_kind
from accord.evaluation.family import EvaluationTask, Job, scores_only
from accord.evaluation.judged import judged_ranking
from accord.evaluation.measured import Measured, of_values
from accord.evaluation.named import check_kind, metrics_in_order
from accord.evaluation.nearness import read_scores
from accord.evaluation.pools import Pool, pools
from accord.maths.nearest import row_scores
from accord.maths.ranks import id_order, rounded_scores

__all__ = ["Reranking"]


class Reranking(EvaluationTask):
    """Order the candidates of each query; MAP, nDCG and MRR over the whole pool.

    Lists (`query`, `pos`, `neg`) give a pool a row; pairs with a `score` give a pool a query, graded by it. Encoders
    score by the nearness of query and candidate, in their roles; cross-encoders (anything with `score`) read both.
    Equal texts of a pool are one candidate, queries without relevant or without other candidates are left out, and
    between equal scores the text decides, which knows nothing of the grade.

    Against mteb: every candidate stays, and between equal scores negatives go first. mteb's main score is `MAP@1000`
    for its older data sets and `nDCG@10` for newer ones.

    Also known as: answer selection, second-stage ranking, candidate ranking, RerankingEvaluator.

    Reference: Nogueira & Cho (2019), Passage Re-ranking with BERT, arXiv:1901.04085; Muennighoff et al. (2023), MTEB,
    arXiv:2210.07316, section 3.2, for the protocol.

    Differs from the paper: duplicates in a pool count once; ties are broken without a look at the label.

    Args:
        metrics: names or objects of ranking metrics.
        primary: the one that decides; added when it is not among `metrics`.
        grades: column of the lists with a grade for each positive, such as `pos_scores`; each is 1 when None.
        group: column that names groups of queries which are not independent.
        against: "mteb" for mteb's protocol.

    >>> Reranking(primary="nDCG@10")
    Reranking(primary='nDCG@10')
    """

    signals: tuple[type[Signal], ...] = (Ranked, Pairs)
    takes_scores = True

    def __init__(
        self,
        *,
        metrics: Sequence[Any] = ("MAP@1000", "nDCG@10", "MRR@10"),
        primary: Any = "MAP@1000",
        grades: str | None = None,
        group: str | None = None,
        against: str | None = None,
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.grades = grades
        self.group = group
        self.against = against
        check_kind(
            metrics_in_order(metrics, primary), RankingMetric, "Reranking", "a ranking metric such as `MAP@1000`"
        )
        self._check_against()

    def _measure(self, job: Job) -> list[Measured]:
        asked = pools(job.test, grades=self.grades, named=self.against is not None)
        measures = metrics_in_order(self.metrics, self.primary)
        depth = min(max(m.k for m in measures), max(len(pool.texts) for pool in asked))
        scores = rounded_scores(self._scores(job, asked))
        ranking = np.full((len(asked), depth), -1, dtype=np.int64)
        start = 0
        for i, pool in enumerate(asked):
            stop = start + len(pool.texts)
            best = np.lexsort((-id_order(pool.keys), -scores[start:stop]))[:depth]
            ranking[i, : len(best)] = best
            start = stop
        judged = judged_ranking(ranking, [dict(enumerate(pool.grades)) for pool in asked], depth=depth)
        ids = [pool.name for pool in asked]
        groups = self._groups(job.test, ids)
        return [of_values(m, ids, m(judged), primary=i == 0, groups=groups) for i, m in enumerate(measures)]

    def _scores(self, job: Job, asked: Sequence[Pool]) -> np.ndarray:
        """(candidates of all pools, one after another) scores."""
        queries = [pool.query for pool in asked for _ in pool.texts]
        texts = [text for pool in asked for text in pool.texts]
        if scores_only(job.model):
            return read_scores(job.model, queries, texts, job.progress)
        left = encode_queries(job.model, [pool.query for pool in asked], job.prompts[0], job.progress)
        right = encode_documents(job.model, texts, job.prompts[1], job.progress)
        kind, found, start = similarity_kind(job.model), [], 0
        for row, pool in zip(left, asked):
            stop = start + len(pool.texts)
            found.append(row_scores(np.broadcast_to(row, right[start:stop].shape), right[start:stop], kind=kind))
            start = stop
        return np.concatenate(found)
