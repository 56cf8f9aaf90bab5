"""Clustering: whether k-means finds the labels again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.core.types import Encodes
from accord.data.signals import Labelled, Signal
from accord.evaluation.encoding import encode_queries
from accord.evaluation.measured import Measured, of_columns
from accord.evaluation.named import check_columns, metrics_in_order
from accord.maths.clustering import k_means
from accord.maths.nearest import unit_rows

__all__ = ["Clustering"]

COLUMNS = ("truth", "cluster")


class Clustering(Described):
    """K-means on unit vectors with as many clusters as the test set has labels; V-measure.

    Texts are encoded in the query role, as for classification.

    Also known as: topic discovery.

    Reference: Rosenberg & Hirschberg (2007), V-Measure; Muennighoff et al. (2023), MTEB, arXiv:2210.07316.

    Differs from the paper: one clustering of all test rows from the best of several starts, not a mean over samples;
    mini-batches only past 20,000 rows.

    Args:
        metrics: names or objects of metrics over `truth` and `cluster`.
        primary: the one that decides.
        starts: k-means runs of which the tightest is kept.

    >>> Clustering(starts=3)
    Clustering(starts=3)
    """

    signals: tuple[type[Signal], ...] = (Labelled,)

    def __init__(
        self, *, metrics: Sequence[Any] = ("v_measure",), primary: Any = "v_measure", starts: int = 10
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.starts = starts
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Clustering", "`v_measure`")
        check_at_least("starts", starts, 1)

    def evaluate(
        self,
        model: Encodes,
        *,
        train: Signal | None = None,
        test: Signal,
        seed: int = 0,
        prompts: tuple[str | None, str | None] | None = None,
        progress: Progress = silent,
    ) -> list[Measured]:
        """Cluster the test texts and compare with their labels.

        Args:
            model: what is measured.
            train: not used.
            test: labelled texts.
            seed: of the starts.
            prompts: the first names the prompt for all texts; the model's own choice when None.
            progress: told of encoding.

        Returns:
            A measurement a metric, the primary one first.

        Raises:
            InputError: another kind of signal, or fewer than two labels.
        """
        del train
        if not isinstance(test, Labelled):
            raise InputError(f"Clustering is measured on Labelled. Got {type(test).__name__} instead.")
        names, truth = np.unique(np.array(test.column("label"), dtype=str), return_inverse=True)
        if len(names) < 2:
            raise InputError(f"Clustering needs at least two labels in the test set. Got one: {str(names[0])!r}.")
        vectors = encode_queries(model, test.column("text"), (prompts or (None,))[0], progress)
        cluster = k_means(unit_rows(vectors), len(names), starts=self.starts, seed=seed)
        columns = {"truth": truth, "cluster": cluster}
        measures = metrics_in_order(self.metrics, self.primary)
        return [of_columns(m, test.ids, columns, primary=i == 0) for i, m in enumerate(measures)]
