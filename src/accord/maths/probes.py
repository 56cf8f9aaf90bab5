"""Probes on frozen vectors: what a linear map, or the neighbourhood, can tell about labels."""

from __future__ import annotations

import logging
import warnings

import numpy as np

from accord.maths.nearest import nearest

__all__ = ["logistic_probe", "neighbour_probe", "standardised"]

log = logging.getLogger(__name__)


def standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets by the mean and deviation of the train rows; a constant dimension becomes 0.

    >>> [x.tolist() for x in standardised(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[2.0, 6.0]]))]
    [[[-1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0]]]
    """
    train, test = np.asarray(train, dtype=np.float64), np.asarray(test, dtype=np.float64)
    centre, spread = train.mean(axis=0), train.std(axis=0)
    moving = spread > 1e-12 * np.maximum(1.0, np.abs(centre))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=moving)
    return (train - centre) * scale, (test - centre) * scale


def logistic_probe(train: np.ndarray, labels: np.ndarray, test: np.ndarray, *, strength: float = 0.1) -> np.ndarray:
    """Multinomial logistic regression with an L2 penalty, on standardised vectors.

    Standardising makes the penalty mean the same for every model: unit vectors of 384 dimensions have a deviation near
    0.05, of 32 dimensions near 0.18, and anisotropic spaces much less, so a penalty on raw vectors would rank encoders
    by their scale. The objective is convex and starts from zero: nothing is drawn.

    Reference: Cox (1958); Alain & Bengio (2016), arXiv:1610.01644, for linear probes.

    Args:
        train: (n, dim) vectors.
        labels: (n,) codes, at least two kinds.
        test: (m, dim) vectors.
        strength: inverse weight of the penalty (scikit-learn's C).

    Returns:
        (m,) predicted codes.

    >>> logistic_probe(np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 7, 7]), np.array([[-3.0], [3.0]]))
    array([0, 7])
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train, test = standardised(train, test)
    probe = LogisticRegression(C=strength, max_iter=300)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        probe.fit(train, labels)
    if any(issubclass(w.category, ConvergenceWarning) for w in caught):
        log.info("The logistic probe stopped after %d iterations, short of its tolerance.", probe.max_iter)
    return np.asarray(probe.predict(test))


def neighbour_probe(train: np.ndarray, labels: np.ndarray, test: np.ndarray, *, neighbours: int = 10) -> np.ndarray:
    """Vote of the nearest train rows by cosine, each weighing 1 and ties going to the nearer ones.

    Also known as: kNN classification.

    Reference: Cover & Hart (1967), Nearest neighbor pattern classification.

    Args:
        train: (n, dim) vectors.
        labels: (n,) codes.
        test: (m, dim) vectors.
        neighbours: voters; all train rows where there are fewer.

    Returns:
        (m,) predicted codes.

    >>> neighbour_probe(np.array([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0]]), np.array([4, 4, 9]), np.array([[0.1, 1.0]]))
    array([4])
    """
    rows, scores = nearest(test, train, neighbours, order=np.arange(len(train)))
    names, codes = np.unique(labels, return_inverse=True)
    votes = np.zeros((len(test), len(names)))
    line = np.repeat(np.arange(len(test)), rows.shape[1])
    nearness = (1 + scores.astype(np.float64).ravel()) / (4 * rows.shape[1])  # together less than one vote
    np.add.at(votes, (line, codes[rows.ravel()]), 1 + nearness)
    return names[votes.argmax(axis=1)]
