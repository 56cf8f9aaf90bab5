"""Subspace overlap: whether two task vectors live in the same few directions of a weight matrix."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["subspace_overlap", "top_directions"]


def top_directions(matrix: Float[np.ndarray, "rows columns"], rank: int) -> Float[np.ndarray, "side rank"]:
    """Orthonormal directions in which a matrix is largest: its leading singular vectors, on its shorter side.

    Args:
        matrix: what training changed of a weight.
        rank: directions, at most the shorter side.

    >>> np.abs(top_directions(np.diag([3.0, 1.0]), 1)).round(6).tolist()
    [[1.0], [0.0]]
    """
    wide = np.asarray(matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T, dtype=np.float32)
    _, vectors = np.linalg.eigh((wide @ wide.T).astype(np.float64))
    return vectors[:, ::-1][:, :rank]


def subspace_overlap(a: Float[np.ndarray, "side rank"], b: Float[np.ndarray, "side rank"]) -> float:
    r"""Mean squared cosine of the principal angles of two subspaces, :math:`\|U_a^\top U_b\|_F^2 / r`.

    Reference: Hu et al. (2021), arXiv:2106.09685, section 7.2 (eq. 4).

    Args:
        a: orthonormal columns.
        b: as many.

    Returns:
        In [0, 1]; r / side for unrelated directions.

    >>> subspace_overlap(np.eye(3)[:, :2], np.eye(3)[:, 1:])
    0.5
    """
    return float(np.square(a.T @ b).sum() / a.shape[1])
