"""How much the features of a teacher have to do with a task, and what share of a student's lessons that gives it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least
from accord.core.errors import InputError

__all__ = ["parc", "rank_agreement", "relevance_weights"]


def parc(features: Float[np.ndarray, "n dim"], labels: Sequence[object]) -> float:
    r"""Rank correlation between how alike texts are to a model and whether they have one label.

    .. math:: \operatorname{spearman}_{i < j}\; \bigl(\operatorname{pearson}(f_i, f_j),\; [y_i = y_j]\bigr)

    where each column of the features was standardised first. Nothing is trained. For pairs of texts that belong
    together, the number of the pair is the label of both.

    Also known as: Pairwise Annotation Representation Comparison, representational similarity analysis with labels.

    Reference: Bolya et al. (2021), "Scalable Diverse Model Selection for Accessible Transfer Learning", NeurIPS 34; one
    of the measures by which Borup et al. (2023), arXiv:2304.12314, choose a teacher.

    Differs from the paper: a number in [-1, 1] rather than in per cent; no projection to 32 dimensions before.

    Args:
        features: a model's vectors of some texts.
        labels: (n) their classes.

    Returns:
        In [-1, 1]; 0 for features that say nothing of the labels. How near to 1 a perfect model comes depends on how
        many pairs have one label, so compare models on one set of texts only.

    Raises:
        InputError: fewer than three texts, or labels that are all equal or all different.

    >>> x = np.array([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [0.1, 2.0]])
    >>> parc(x, ["a", "a", "b", "b"]) > 0 > parc(x, ["a", "b", "a", "b"])
    True
    """
    if len(features) != len(labels) or len(labels) < 3:
        raise InputError(f"`labels` must be one a text, of three or more. Got {len(labels)} for {len(features)} texts.")
    _, classes = np.unique(np.asarray([str(label) for label in labels]), return_inverse=True)
    rows, columns = np.triu_indices(len(labels), 1)
    same = classes[rows] == classes[columns]
    if same.all() or not same.any():
        raise InputError("`labels` must be equal for some texts and differ for others: nothing can be told from these.")
    values = np.asarray(features, dtype=np.float64)
    values = values - values.mean(axis=0)
    spread = values.std(axis=0)
    values = np.divide(values, spread, out=np.zeros_like(values), where=spread > 0)
    values -= values.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    values = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    return rank_agreement((values @ values.T)[rows, columns], same)


def rank_agreement(found: Float[np.ndarray, " n"], wanted: Float[np.ndarray, " n"]) -> float:
    """Spearman's correlation, 0 where either side is constant: a model that gives all pairs one score knows nothing.

    Args:
        found: what a model gives, such as the cosines of some pairs of texts.
        wanted: what people say of them.

    Returns:
        In [-1, 1].

    >>> rank_agreement(np.array([0.1, 0.5, 0.3]), np.array([1.0, 5.0, 2.0]))
    1.0
    """
    from scipy.stats import rankdata

    left, right = rankdata(found), rankdata(wanted)
    left, right = left - left.mean(), right - right.mean()
    size = float(np.sqrt((left @ left) * (right @ right)))
    return float(np.clip(left @ right / size, -1.0, 1.0)) if size else 0.0


def relevance_weights(scores: Sequence[float], *, power: float = 12.0) -> np.ndarray:
    r"""Each teacher's share, from how relevant it is to the task.

    .. math:: \alpha_s = \frac{\max(0, e_s)^p}{\sum_{s'} \max(0, e_{s'})^p}

    A power of 0 weighs all teachers alike, whatever they score; a large one leaves the most relevant alone, which is
    DistillNearest.

    Also known as: DistillWeighted.

    Reference: Borup et al. (2023), "Distilling from Similar Tasks for Transfer Learning on a Budget", arXiv:2304.12314
    (the weights of DistillWeighted).

    Differs from the paper: scores below 0 count as 0; where none is above, all teachers weigh alike.

    Args:
        scores: of each teacher on one task, such as :func:`parc`.
        power: p, at least 0.

    Returns:
        (teachers) at least 0, of sum 1.

    Raises:
        InputError: no teacher, or a negative power.

    >>> relevance_weights([0.4, 0.2, -0.1], power=1).round(3).tolist()
    [0.667, 0.333, 0.0]
    """
    check_at_least("power", power, 0)
    if not len(scores):
        raise InputError("`scores` is empty: there is no teacher to weigh.")
    kept = np.maximum(np.asarray(scores, dtype=np.float64), 0.0)
    if power == 0 or kept.max() == 0:
        return np.full(len(kept), 1 / len(kept))
    shares = (kept / kept.max()) ** power
    return shares / shares.sum()
