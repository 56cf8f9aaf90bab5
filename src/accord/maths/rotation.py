"""Random rotations: turns of a space that treat all directions alike."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.core.random import numpy_generator

__all__ = ["random_rotation"]


def random_rotation(dim: int, width: int, *, seed: int) -> Float[np.ndarray, "dim width"]:
    """Columns of length 1 that are drawn from all directions alike and stand at right angles where there is room.

    Up to `dim` columns are orthonormal; more are made of several such sets.

    Also known as: Haar-random orthogonal matrix; super-bit projections when there are more columns than dimensions.

    Reference: Mezzadri (2007), How to Generate Random Matrices from the Classical Compact Groups, section 5; Ji et al.
    (2012), Super-Bit Locality-Sensitive Hashing, for several sets.

    Args:
        dim: of the space.
        width: columns.
        seed: of the draw.

    Returns:
        (dim, width) float32.

    >>> turn = random_rotation(5, 5, seed=0)
    >>> bool(np.allclose(turn.T @ turn, np.eye(5), atol=1e-6))
    True
    """
    draws = numpy_generator(seed, "rotation", dim)
    parts = []
    for first in range(0, width, dim):
        turn, triangle = np.linalg.qr(draws.normal(size=(dim, dim)))
        signs = np.where(np.diag(triangle) < 0, -1.0, 1.0)
        parts.append((turn * signs)[:, : width - first])
    return np.hstack(parts).astype(np.float32)
