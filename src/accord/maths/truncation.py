"""The nearest matrix of low rank, as two factors, and how much of the matrix it keeps."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_at_least

__all__ = ["low_rank_factors"]


def low_rank_factors(
    matrix: Float[Tensor, "outer inner"], rank: int
) -> tuple[Float[Tensor, "outer rank"], Float[Tensor, "rank inner"], float]:
    r"""Factors B and A of the rank-r matrix that is nearest to M, and the energy that they keep.

    .. math:: M \approx B A, \qquad \frac{\sum_{k \le r} \sigma_k^2}{\sum_k \sigma_k^2}

    By the eigenvectors of :math:`M^\top M` (or :math:`M M^\top`, the smaller) in float64, which costs far less than a
    singular value decomposition where a matrix is long; at full rank the product is M up to rounding.

    Also known as: truncated SVD, Eckart-Young approximation.

    Reference: Eckart & Young (1936), Psychometrika 1, 211-218.

    Args:
        matrix: M.
        rank: r, at least 1; at most the smaller side is used.

    Returns:
        B with r columns, A with r orthonormal rows (or the other way round for a wide matrix), in the type of `matrix`;
        the kept share in [0, 1], 1 for a matrix of zeros.

    >>> up, down, kept = low_rank_factors(torch.diag(torch.tensor([2.0, 1.0])), 1)
    >>> (up @ down).round().tolist(), round(kept, 2)
    ([[2.0, 0.0], [0.0, 0.0]], 0.8)
    """
    check_at_least("rank", rank, 1)
    if matrix.shape[0] < matrix.shape[1]:
        up, down, kept = low_rank_factors(matrix.T, rank)
        return down.T.contiguous(), up.T.contiguous(), kept
    wide = matrix.double()
    values, vectors = torch.linalg.eigh(wide.T @ wide)
    values, vectors = values.flip(0).clamp(min=0.0), vectors.flip(1)[:, :rank]
    total = float(values.sum())
    kept = float(values[:rank].sum()) / total if total else 1.0
    return (wide @ vectors).to(matrix.dtype), vectors.T.contiguous().to(matrix.dtype), kept
