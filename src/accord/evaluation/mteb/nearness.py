"""Nearness of pairs, computed as mteb computes it: scikit-learn's paired distances."""

from __future__ import annotations

import numpy as np

__all__ = ["pair_nearness"]


def pair_nearness(left: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """Row i of `left` with row i of `right`, larger for the nearer.

    Reference: Muennighoff et al. (2023), MTEB, arXiv:2210.07316, section 3.2 (pair classification, STS).

    Args:
        left: (n, dim).
        right: (n, dim).

    Returns:
        (n,) scores by "cosine", "dot", "euclidean" and "manhattan".

    >>> {k: v.tolist() for k, v in pair_nearness(np.array([[0.0, 3.0]]), np.array([[4.0, 0.0]])).items()}
    {'cosine': [0.0], 'dot': [0.0], 'euclidean': [-5.0], 'manhattan': [-7.0]}
    """
    from sklearn.metrics.pairwise import paired_cosine_distances, paired_euclidean_distances, paired_manhattan_distances

    return {
        "cosine": np.asarray(1 - paired_cosine_distances(left, right)),
        "dot": np.array([np.dot(a, b) for a, b in zip(left, right)]),
        "euclidean": -np.asarray(paired_euclidean_distances(left, right)),
        "manhattan": -np.asarray(paired_manhattan_distances(left, right)),
    }
