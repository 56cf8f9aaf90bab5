"""Counts of two codings of the same rows, and what is read off them: entropies, V-measure, F1, matching."""

from __future__ import annotations

import numpy as np

__all__ = ["class_f1", "contingency", "entropy", "matched", "v_measure"]


def contingency(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How often code i of `left` meets code j of `right`.

    Args:
        left: (n,) codes from 0.
        right: (n,) codes from 0.

    Returns:
        (codes of left, codes of right) float64 counts.

    >>> contingency(np.array([0, 0, 1]), np.array([1, 1, 0])).tolist()
    [[0.0, 2.0], [1.0, 0.0]]
    """
    left, right = np.asarray(left).astype(np.int64), np.asarray(right).astype(np.int64)
    rows, columns = (int(x.max()) + 1 if x.size else 0 for x in (left, right))
    return np.bincount(left * columns + right, minlength=rows * columns).reshape(rows, columns).astype(np.float64)


def entropy(counts: np.ndarray) -> float:
    r"""Entropy of counts, :math:`-\sum p \ln p`.

    Args:
        counts: not negative, of any shape; zeros count nothing.

    Returns:
        Nats, at least 0.

    >>> round(entropy(np.array([1, 1])), 4)
    0.6931
    """
    counts = np.asarray(counts, dtype=np.float64)
    p = counts[counts > 0] / counts.sum()
    return float(max(0.0, -(p * np.log(p)).sum()))


def v_measure(truth: np.ndarray, cluster: np.ndarray) -> float:
    r"""Harmonic mean of homogeneity and completeness, :math:`2hc / (h + c)`.

    With :math:`h = 1 - H(C|K)/H(C)` and :math:`c = 1 - H(K|C)/H(K)`; each is 1 where its denominator is 0.

    Also known as: normalised mutual information with the arithmetic mean.

    Reference: Rosenberg & Hirschberg (2007), V-Measure, eqs. 1-3.

    Args:
        truth: (n,) label codes.
        cluster: (n,) cluster codes.

    Returns:
        In [0, 1]; the names of the codes do not matter.

    >>> v_measure(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
    1.0
    """
    table = contingency(truth, cluster)
    labels, clusters, both = entropy(table.sum(1)), entropy(table.sum(0)), entropy(table)
    shared = max(0.0, labels + clusters - both)
    homogeneity = shared / labels if labels > 0 else 1.0
    completeness = shared / clusters if clusters > 0 else 1.0
    total = homogeneity + completeness
    return float(min(1.0, 2 * homogeneity * completeness / total)) if total > 0 else 0.0


def class_f1(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F1 of each class that occurs in either coding, and how many true rows each has.

    Args:
        truth: (n,) codes from 0.
        predicted: (n,) codes from 0.

    Returns:
        (classes,) F1 in [0, 1] and (classes,) true counts, in order of the codes.

    >>> [x.tolist() for x in class_f1(np.array([0, 0, 2]), np.array([0, 2, 2]))]
    [[0.6666666666666666, 0.6666666666666666], [2, 1]]
    """
    truth, predicted = np.asarray(truth).astype(np.int64), np.asarray(predicted).astype(np.int64)
    size = int(max(truth.max(initial=-1), predicted.max(initial=-1))) + 1
    true, said = np.bincount(truth, minlength=size), np.bincount(predicted, minlength=size)
    right = np.bincount(truth[truth == predicted], minlength=size)
    present = (true + said) > 0
    return 2 * right[present] / (true + said)[present], true[present]


def matched(truth: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Clusters renamed after the labels they overlap most, one to one; clusters left over get fresh codes.

    Reference: Kuhn (1955), the Hungarian method.

    Args:
        truth: (n,) label codes.
        cluster: (n,) cluster codes.

    Returns:
        (n,) int64 codes; the same partition.

    >>> matched(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 2])).tolist()
    [0, 0, 1, 2]
    """
    from scipy.optimize import linear_sum_assignment

    table = contingency(truth, cluster)
    labels, clusters = linear_sum_assignment(-table)
    names = np.full(table.shape[1], -1, dtype=np.int64)
    names[clusters] = labels
    spare = names < 0
    names[spare] = table.shape[0] + np.arange(int(spare.sum()))
    return names[np.asarray(cluster).astype(np.int64)]
