"""Sign agreement: whether task vectors point the same way where they are large."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_fraction

__all__ = ["large_coordinates", "sign_agreement"]


def large_coordinates(
    vectors: Iterable[Float[np.ndarray, "models size"]], *, share: float = 0.2
) -> list[Float[np.ndarray, " size"]]:
    """Coordinates at which the models together moved most, the same for all of them.

    Each model's vector is scaled to length 1 first, so that none decides alone; a coordinate counts by the mean of its
    magnitudes.

    Args:
        vectors: task vectors, a piece of the weights at a time; gone through twice.
        share: of all coordinates that is kept, in (0, 1).

    Returns:
        True at the kept coordinates, piece by piece.

    >>> [kept.tolist() for kept in large_coordinates([np.array([[3.0, 0.1]]), np.array([[0.2, 2.0]])], share=0.5)]
    [[True, False], [False, True]]
    """
    check_fraction("share", share, closed=False)
    squares = np.sum([np.einsum("mi,mi->m", piece, piece, dtype=np.float64) for piece in vectors], axis=0)
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)
    scores = [np.mean(np.abs(piece) / lengths[:, None], axis=0, dtype=np.float32) for piece in vectors]
    everything = np.concatenate(scores)
    kept = max(1, round(share * len(everything)))
    floor = np.partition(everything, len(everything) - kept)[len(everything) - kept]
    return [(score >= floor) & (score > 0) for score in scores]


def sign_agreement(
    vectors: Float[np.ndarray, "models size"], kept: Float[np.ndarray, " size"]
) -> tuple[Float[np.ndarray, "models models"], int]:
    """How many kept coordinates have equal signs in two models.

    Also known as: sign consistency; one minus it: sign conflict.

    Reference: Yadav et al. (2023), arXiv:2306.01708, section 3.

    Differs from the paper: two models at a time, on coordinates that are the same for all.

    Args:
        vectors: a piece of the task vectors.
        kept: what :func:`large_coordinates` chose of it.

    Returns:
        Counts of agreement, and of coordinates; of unrelated vectors half agree.

    >>> sign_agreement(np.array([[1.0, -1.0], [2.0, 3.0]]), np.array([True, True]))
    (array([[2., 1.],
           [1., 2.]]), 2)
    """
    signs = np.sign(vectors[:, kept])
    up, down = (signs > 0).astype(np.float64), (signs < 0).astype(np.float64)
    still = (signs == 0).astype(np.float64)
    return up @ up.T + down @ down.T + still @ still.T, int(kept.sum())
