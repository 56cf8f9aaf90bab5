"""Few-shot probes: ten logistic regressions on a handful of rows a label each."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np

__all__ = ["few_shot_predictions", "few_shot_rows"]

SEED = 42


def few_shot_rows(labels: Sequence[str], *, experiments: int = 10, per_label: int = 8) -> list[np.ndarray]:
    """The train rows of each experiment: the first few of each label in a shuffled order.

    One permutation, drawn from seed 42, is applied once more for each experiment, so the experiments are fixed.

    Reference: Muennighoff et al. (2023), MTEB, arXiv:2210.07316, section 3.2 (classification).

    Args:
        labels: (n,) of the train rows.
        experiments: how many.
        per_label: rows of each label; all where there are fewer.

    Returns:
        Row numbers of each experiment, in shuffled order.

    >>> [len(rows) for rows in few_shot_rows(["a", "b", "a"], experiments=2, per_label=1)]
    [2, 2]
    """
    order = list(range(len(labels)))
    found = []
    for _ in range(experiments):
        np.random.RandomState(SEED).shuffle(order)
        taken: Counter[str] = Counter()
        kept = []
        for row in order:
            if taken[labels[row]] < per_label:
                taken[labels[row]] += 1
                kept.append(row)
        found.append(np.array(kept, dtype=np.int64))
    return found


def few_shot_predictions(
    vectors: np.ndarray, codes: np.ndarray, asked: np.ndarray, rows: Sequence[np.ndarray]
) -> np.ndarray:
    """What a logistic regression learned on each experiment's rows says of the test rows.

    Args:
        vectors: (n, dim) of the train rows, as the model gives them.
        codes: (n,) labels of the train rows.
        asked: (m, dim) of the test rows.
        rows: train rows of each experiment.

    Returns:
        (experiments, m) predicted codes.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred iterations, converged or not, are the protocol
        for part in rows:
            probe = LogisticRegression(max_iter=100, random_state=SEED)
            found.append(probe.fit(vectors[part], codes[part]).predict(asked))
    return np.array(found)
