"""Similarity: whether the nearness of two texts follows people's scores."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.data.signals import Scored, Signal
from accord.evaluation.family import EvaluationTask, Job, scores_only
from accord.evaluation.measured import Measured, of_columns
from accord.evaluation.mteb import pair_nearness
from accord.evaluation.named import check_columns, metrics_in_order
from accord.evaluation.nearness import read_scores, vector_scores

__all__ = ["Similarity"]

COLUMNS = ("gold", "similarity")


class Similarity(EvaluationTask):
    """Correlation of the cosine of two texts with the score that people gave them.

    The task is symmetric, so both texts are encoded in the query role. A cross-encoder is measured by its scores.

    Against mteb: `cosine_spearman` and `cosine_pearson`; texts have no role.

    Also known as: semantic textual similarity, STS, EmbeddingSimilarityEvaluator.

    Reference: Agirre et al. (2012), SemEval-2012 Task 6; Reimers et al. (2016) for Spearman as the measure.

    Args:
        metrics: names or objects of set metrics over `gold` and `similarity`.
        primary: the one that decides.
        group: column that names groups of pairs which are not independent.
        against: "mteb" for mteb's protocol.

    >>> Similarity()
    Similarity()
    """

    signals: tuple[type[Signal], ...] = (Scored,)
    takes_scores = True
    mteb_names = MappingProxyType({"spearman": "cosine_spearman", "pearson": "cosine_pearson"})

    def __init__(
        self,
        *,
        metrics: Sequence[Any] = ("spearman", "pearson"),
        primary: Any = "spearman",
        group: str | None = None,
        against: str | None = None,
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.group = group
        self.against = against
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Similarity", "`spearman` or `pearson`")
        self._check_against()

    def _measure(self, job: Job) -> list[Measured]:
        test = job.test
        gold = np.array(test.column("score"), dtype=np.float64)
        if np.ptp(gold) == 0:
            raise InputError(f"All gold scores of the test set are {gold[0]:g}: there is nothing to follow.")
        columns = {"gold": gold, "similarity": self._similarity(job, test.column("text1"), test.column("text2"))}
        measures = metrics_in_order(self.metrics, self.primary)
        groups = self._groups(test, test.ids)
        return [of_columns(m, test.ids, columns, primary=i == 0, groups=groups) for i, m in enumerate(measures)]

    def _similarity(self, job: Job, first: list[str], second: list[str]) -> np.ndarray:
        if scores_only(job.model):
            return read_scores(job.model, first, second, job.progress)
        left, right = self._alike(job, first), self._alike(job, second, 1)
        return vector_scores(left, right, "cosine") if self.against is None else pair_nearness(left, right)["cosine"]
