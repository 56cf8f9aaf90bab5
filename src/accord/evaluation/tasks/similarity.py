"""Similarity: whether the nearness of two texts follows people's scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.core.types import Encodes
from accord.data.signals import Scored, Signal
from accord.evaluation.encoding import encode_queries
from accord.evaluation.measured import Measured, of_columns
from accord.evaluation.named import check_columns, metrics_in_order
from accord.maths.nearest import row_scores

__all__ = ["Similarity"]

COLUMNS = ("gold", "similarity")


class Similarity(Described):
    """Correlation of the cosine of two texts with the score that people gave them.

    The task is symmetric, so both texts are encoded in the query role.

    Also known as: semantic textual similarity, STS.

    Reference: Agirre et al. (2012), SemEval-2012 Task 6; Reimers et al. (2016) for Spearman as the measure.

    Args:
        metrics: names or objects of set metrics over `gold` and `similarity`.
        primary: the one that decides.

    >>> Similarity()
    Similarity()
    """

    signals: tuple[type[Signal], ...] = (Scored,)

    def __init__(self, *, metrics: Sequence[Any] = ("spearman", "pearson"), primary: Any = "spearman") -> None:
        self.metrics = metrics
        self.primary = primary
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Similarity", "`spearman` or `pearson`")

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
        """Correlate similarities with gold scores on `test`.

        Args:
            model: what is measured.
            train: not used.
            test: scored pairs.
            seed: not used; nothing is drawn.
            prompts: names of the prompts for the first and the second text; the model's own choice when None.
            progress: told of encoding.

        Returns:
            A measurement a metric, the primary one first.

        Raises:
            InputError: another kind of signal, or gold scores that are all equal.
        """
        del train, seed
        if not isinstance(test, Scored):
            raise InputError(f"Similarity is measured on Scored. Got {type(test).__name__} instead.")
        gold = np.array(test.column("score"), dtype=np.float64)
        if np.ptp(gold) == 0:
            raise InputError(f"All gold scores of the test set are {gold[0]:g}: there is nothing to follow.")
        left_prompt, right_prompt = prompts or (None, None)
        left = encode_queries(model, test.column("text1"), left_prompt, progress)
        right = encode_queries(model, test.column("text2"), right_prompt, progress)
        columns = {"gold": gold, "similarity": row_scores(left, right)}
        measures = metrics_in_order(self.metrics, self.primary)
        return [of_columns(m, test.ids, columns, primary=i == 0) for i, m in enumerate(measures)]
