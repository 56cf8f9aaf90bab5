"""Merge the leading singular vectors of what the experts changed, after taking out what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.maths.consensus import weighted_sum
from accord.merging.base import Contract, MergeMethod, Piece

__all__ = ["TSVM", "merge_singular_vectors"]


def merge_singular_vectors(matrices: Sequence[Tensor]) -> Tensor:
    r"""Sum of truncated matrices whose singular vectors were made orthogonal to each other.

    .. math:: \hat U = [U_1 \dots U_N], \quad \hat V = [V_1 \dots V_N], \qquad
        \sum_k \hat\sigma_k\, (\hat U_\perp)_k (\hat V_\perp)_k^\top,

    with the leading r/N singular triplets of each matrix, and :math:`X_\perp = P Q^\top` for :math:`X = P D Q^\top`,
    the orthogonal matrix nearest to X.

    Args:
        matrices: (N,) of shape (rows, columns).

    Returns:
        (rows, columns).

    >>> merge_singular_vectors([torch.tensor([[2.0, 0.0], [0.0, 1.0]])])
    tensor([[2., 0.],
            [0., 1.]])
    """
    if matrices[0].numel() == 0:
        return matrices[0]
    kept = max(min(matrices[0].shape) // len(matrices), 1)
    triplets = [torch.linalg.svd(matrix, full_matrices=False) for matrix in matrices]
    left = torch.cat([u[:, :kept] for u, _, _ in triplets], dim=1)
    right = torch.cat([v[:kept] for _, _, v in triplets], dim=0)
    values = torch.cat([s[:kept] for _, s, _ in triplets])
    real = values > 1e-6 * values.max()  # the vectors of the others are arbitrary, and would push these aside
    return (_nearest_orthogonal(left[:, real]) * values[real]) @ _nearest_orthogonal(right[real])


class TSVM(MergeMethod):
    r"""Each expert gives the leading r/N singular triplets of its change; these are made orthogonal, then added.

    .. math:: \theta = \theta_0 + \lambda\, \hat U_\perp \hat\Sigma\, \hat V_\perp^\top,

    see :func:`merge_singular_vectors`. Tensors that are no matrices get the mean change; tensors of more dimensions are
    matrices of their rows.

    Also known as: TSV-Merge, task singular vectors.

    Reference: Gargiulo et al. (2025), Task Singular Vectors: Reducing Task Interference in Model Merging,
    arXiv:2412.00081, algorithm 1.

    Differs from the paper: tensors of more than two dimensions take part, as matrices.

    Args:
        scaling: lambda.

    >>> from accord.merging import merge_state_dicts
    >>> experts = [{"w": torch.diag(torch.tensor([2.0, 0.0]))}, {"w": torch.diag(torch.tensor([0.0, 3.0]))}]
    >>> merge_state_dicts(TSVM(), experts, base={"w": torch.zeros(2, 2)})["w"].abs()
    tensor([[2., 0.],
            [0., 3.]])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "tsv_m"
    whole: ClassVar = True

    def __init__(self, *, scaling: float = 1.0) -> None:
        check_finite("scaling", scaling)
        self.scaling = scaling

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The tensor of the base with the merged change added."""
        del surveys
        number = len(piece.experts)
        if len(piece.shape) < 2:
            change = weighted_sum(piece.changes, [1 / number] * number)
        else:
            change = merge_singular_vectors([c.reshape(-1, piece.row_length) for c in piece.changes])
        return torch.add(piece.origin, change.view(piece.origin.shape), alpha=self.scaling)


def _nearest_orthogonal(matrix: Tensor) -> Tensor:
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    return left @ right
