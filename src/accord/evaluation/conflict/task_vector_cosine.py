"""Task-vector cosine: whether two trainings moved the weights the same way, and how far."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["norm_ratio", "task_vector_cosine"]


def task_vector_cosine(products: Float[np.ndarray, "*draws n n"]) -> Float[np.ndarray, "*draws n n"]:
    r"""Cosines of task vectors :math:`\tau_i = \theta_i - \theta_0`, from their inner products.

    Reference: Ilharco et al. (2023), arXiv:2212.04089.

    Args:
        products: :math:`\langle \tau_i, \tau_j \rangle`; leading axes are draws.

    Returns:
        In [-1, 1]; 0 for a model that did not move.

    >>> task_vector_cosine(np.array([[4.0, 1.0], [1.0, 1.0]])).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    lengths = np.sqrt(np.diagonal(products, axis1=-2, axis2=-1))
    scale = lengths[..., :, None] * lengths[..., None, :]
    return np.clip(np.where(scale > 0, products / np.where(scale > 0, scale, 1.0), 0.0), -1, 1)


def norm_ratio(products: Float[np.ndarray, "*draws n n"]) -> Float[np.ndarray, "*draws n n"]:
    r"""Lengths of task vectors against each other, :math:`\|\tau_i\| / \|\tau_j\|`.

    A mean of vectors is mostly that of the longest one.

    Args:
        products: as for :func:`task_vector_cosine`.

    >>> norm_ratio(np.array([[4.0, 0.0], [0.0, 1.0]])).tolist()
    [[1.0, 2.0], [0.5, 1.0]]
    """
    lengths = np.sqrt(np.diagonal(products, axis1=-2, axis2=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return lengths[..., :, None] / lengths[..., None, :]
