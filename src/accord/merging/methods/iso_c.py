"""Add up what the experts changed, then give all of its directions the same strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.maths.consensus import weighted_sum
from accord.merging.base import Contract, MergeMethod, Piece

__all__ = ["IsoC", "flatten_spectrum"]


def flatten_spectrum(matrix: Tensor) -> Tensor:
    r"""Every singular value replaced by their mean: :math:`\bar\sigma\, U V^\top` for :math:`U \Sigma V^\top`.

    Args:
        matrix: (rows, columns).

    >>> flatten_spectrum(torch.diag(torch.tensor([3.0, 1.0])))
    tensor([[2., 0.],
            [0., 2.]])
    """
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    return (left @ right) * values.mean()


class IsoC(MergeMethod):
    r"""The sum of the changes with all singular values made equal, so that no expert's directions drown another's.

    .. math:: \theta = \theta_0 + \lambda\, \bar\sigma\, U V^\top, \qquad \sum_i (\theta_i - \theta_0) = U \Sigma V^\top

    Tensors that are no matrices get the mean change; tensors of more dimensions are matrices of their rows.

    Also known as: isotropic merging in common subspace, spectrum flattening.

    Reference: Marczak et al. (2025), No Task Left Behind: Isotropic Model Merging with Common and Task-Specific
    Subspaces, arXiv:2502.04959, algorithm 1.

    Differs from the paper: lambda is tuned there; here it is 1 unless told otherwise.

    Args:
        scaling: lambda.

    >>> from accord.merging import merge_state_dicts
    >>> experts = [{"w": torch.diag(torch.tensor([3.0, 0.0]))}, {"w": torch.diag(torch.tensor([0.0, 1.0]))}]
    >>> merge_state_dicts(IsoC(), experts, base={"w": torch.zeros(2, 2)})["w"]
    tensor([[2., 0.],
            [0., 2.]])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "iso_c"
    whole: ClassVar = True

    def __init__(self, *, scaling: float = 1.0) -> None:
        check_finite("scaling", scaling)
        self.scaling = scaling

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The tensor of the base with the flattened change added."""
        del surveys
        number = len(piece.experts)
        if len(piece.shape) < 2:
            change = weighted_sum(piece.changes, [1 / number] * number)
        else:
            change = flatten_spectrum(weighted_sum(piece.changes, [1.0] * number).reshape(-1, piece.row_length))
        return torch.add(piece.origin, change.view(piece.origin.shape), alpha=self.scaling)
