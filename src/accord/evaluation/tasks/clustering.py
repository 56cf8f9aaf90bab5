"""Clustering: whether k-means finds the labels again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.checks import check_at_least, check_positive
from accord.core.errors import InputError
from accord.data.signals import Labelled, Signal
from accord.evaluation.family import EvaluationTask, Job
from accord.evaluation.measured import Measured, of_columns, of_values
from accord.evaluation.metrics import VMeasure
from accord.evaluation.mteb import legacy_clusters, resampled_v_measures, sampled_rows
from accord.evaluation.named import check_columns, metrics_in_order
from accord.maths.clustering import k_means
from accord.maths.nearest import unit_rows

__all__ = ["Clustering"]

COLUMNS = ("truth", "cluster")
SEED = 42


class Clustering(EvaluationTask):
    """K-means on unit vectors with as many clusters as the test set has labels; V-measure.

    Texts are encoded in the query role, as for classification. Where the rows belong to several sets, each set is
    clustered alone, the score is the mean over sets, and a set is an example.

    Against mteb: a share of the rows is encoded, ten times `draw` of them are drawn with replacement and clustered by
    mini-batches, and the ten V-measures are averaged; each of the ten is an example, so the interval speaks of mteb's
    draws and not of other texts. "mteb-legacy" clusters each set once by mini-batches.

    Also known as: topic discovery.

    Reference: Rosenberg & Hirschberg (2007), V-Measure; Muennighoff et al. (2023), MTEB, arXiv:2210.07316.

    Differs from the paper: one clustering of all test rows from the best of several starts, not a mean over samples;
    mini-batches only past 20,000 rows.

    Args:
        metrics: names or objects of metrics over `truth` and `cluster`.
        primary: the one that decides.
        starts: k-means runs of which the tightest is kept.
        sets: column that names the set of each row, where several sets are clustered.
        group: column that names groups of texts which are not independent.
        against: "mteb" (its clustering of 2024 and after) or "mteb-legacy" (the one before).
        sample: with "mteb", the share of rows that is encoded, or their number where it is above 1.
        draw: with "mteb", rows of each of the ten clusterings.

    >>> Clustering(starts=3)
    Clustering(starts=3)
    """

    signals: tuple[type[Signal], ...] = (Labelled,)
    protocols = ("mteb", "mteb-legacy")

    def __init__(
        self,
        *,
        metrics: Sequence[Any] = ("v_measure",),
        primary: Any = "v_measure",
        starts: int = 10,
        sets: str | None = None,
        group: str | None = None,
        against: str | None = None,
        sample: float = 0.04,
        draw: int = 16_384,
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.starts = starts
        self.sets = sets
        self.group = group
        self.against = against
        self.sample = sample
        self.draw = draw
        measures = metrics_in_order(metrics, primary)
        check_columns(measures, COLUMNS, "Clustering", "`v_measure`")
        check_at_least("starts", starts, 1)
        check_positive("sample", sample)
        check_at_least("draw", draw, 1)
        self._check_against()
        if against == "mteb" and (sets or group or any(type(m) is not VMeasure for m in measures)):
            raise InputError("`against: mteb` averages the `v_measure` of ten draws; it has no `sets` and no `group`.")
        if sets and group:
            raise InputError("`group` is of no use beside `sets`: each set is one example. Leave one of the two out.")

    def _measure(self, job: Job) -> list[Measured]:
        names, truth = np.unique(np.array(job.test.column("label"), dtype=str), return_inverse=True)
        if len(names) < 2:
            raise InputError(f"Clustering needs at least two labels in the test set. Got one: {str(names[0])!r}.")
        if self.against == "mteb":
            return self._of_draws(job, truth)
        vectors = self._alike(job, job.test.column("text"))
        measures = metrics_in_order(self.metrics, self.primary)
        if self.sets is None:
            columns = {"truth": truth, "cluster": self._clusters(vectors, truth, job.seed)}
            ids, groups = job.test.ids, self._groups(job.test, job.test.ids)
            return [of_columns(m, ids, columns, primary=i == 0, groups=groups) for i, m in enumerate(measures)]
        marks = np.array([str(name) for name in job.test.column(self.sets)])
        each = {name: np.flatnonzero(marks == name) for name in dict.fromkeys(marks.tolist())}
        found = [(truth[rows], self._clusters(vectors[rows], truth[rows], job.seed)) for rows in each.values()]
        values = [np.array([m(own, cluster) for own, cluster in found]) for m in measures]
        return [of_values(m, list(each), values[i], primary=i == 0) for i, m in enumerate(measures)]

    def _clusters(self, vectors: np.ndarray, truth: np.ndarray, seed: int) -> np.ndarray:
        count = len(np.unique(truth))
        if count == 1:
            return np.zeros(len(truth), dtype=np.int64)
        if self.against is None:
            return k_means(unit_rows(vectors), count, starts=self.starts, seed=seed)
        return legacy_clusters(vectors, count)

    def _of_draws(self, job: Job, truth: np.ndarray) -> list[Measured]:
        generator = random.Random(SEED)
        rows = sampled_rows(len(truth), self.sample, generator)
        if len(rows) < 2:
            raise InputError(
                f"`sample` {self.sample:g} of {len(truth)} rows leaves {len(rows)} to cluster. Raise it; above 1 it "
                "counts rows."
            )
        texts = job.test.column("text")
        vectors = self._alike(job, [texts[row] for row in rows])
        values = resampled_v_measures(vectors, truth[rows], generator, draw=self.draw)
        return [of_values("v_measure", [f"draw {i}" for i in range(len(values))], values, primary=True)]
