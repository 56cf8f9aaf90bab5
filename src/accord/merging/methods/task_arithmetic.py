"""The base plus the sum of what the experts changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.maths.consensus import weighted_sum
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, check_weights, expert_shares

__all__ = ["TaskArithmetic"]


class TaskArithmetic(MergeMethod):
    r"""Add what each expert changed, scaled down, to the base.

    .. math:: \theta = \theta_0 + \lambda \sum_i w_i (\theta_i - \theta_0)

    A negative weight takes away what an expert learned.

    Also known as: task vectors, adding and negating task vectors.

    Reference: Ilharco et al. (2023), Editing Models with Task Arithmetic, arXiv:2212.04089, section 2.

    Differs from the paper: a weight for each expert. The paper's one coefficient, tuned on held-out data and 0.3 for
    its eight tasks, is the default weight here; mergekit asks for weights.

    Args:
        weights: w, of any sign.
        scaling: lambda, for all experts.
        normalize: divide the weights by their sum.

    Raises:
        InputError: normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> experts = [{"w": torch.tensor([2.0, 1.0])}, {"w": torch.tensor([1.0, 3.0])}]
    >>> merge_state_dicts(TaskArithmetic(0.5), experts, base={"w": torch.ones(2)})["w"]
    tensor([1.5000, 2.0000])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "task_arithmetic"
    linear: ClassVar = True

    def __init__(self, weights: PerExpert = 0.3, *, scaling: float = 1.0, normalize: bool = False) -> None:
        check_weights(weights, normalize=normalize)
        check_finite("scaling", scaling)
        self.weights = weights
        self.scaling = scaling
        self.normalize = normalize

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the base with the changes added."""
        del surveys
        weights = expert_shares(self.weights, len(piece.experts), normalize=self.normalize)
        return torch.add(piece.origin, weighted_sum(piece.changes, weights), alpha=self.scaling)
