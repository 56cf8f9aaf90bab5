"""Fisher merging: each parameter weighted by how much each expert's loss depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, StateDict, per_expert
from accord.merging.learned.base import Loss
from accord.merging.learned.descent import as_losses

__all__ = ["Fisher", "diagonal_fisher", "fisher_mean"]


def diagonal_fisher(weights: StateDict, losses: Loss | Sequence[Loss]) -> dict[str, Tensor]:
    r"""The diagonal of the empirical Fisher matrix: mean squared gradients.

    .. math:: F = \frac{1}{B} \sum_b \left(\partial L_b / \partial \theta\right)^2

    A loss that gives one number, such as InfoNCE over a batch, counts as one example: its terms share their negatives,
    and have no gradients of their own. One that gives a number for each example has each of them squared alone, at the
    price of a pass back for each. Memory holds two more models: gradients and sums.

    Args:
        weights: of one expert.
        losses: of its own task.

    Returns:
        For each tensor of floating point, one of its shape, at least 0.

    Raises:
        InputError: no loss, or a gradient that is not a finite number.

    >>> diagonal_fisher({"w": torch.tensor([1.0, 2.0])}, lambda state: (state["w"] ** 2).sum())
    {'w': tensor([ 4., 16.])}
    """
    leaves = {n: t.detach().float().requires_grad_() for n, t in weights.items() if t.is_floating_point()}
    fixed = {name: t for name, t in weights.items() if name not in leaves}
    total = {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
    count = 0
    for loss in as_losses(losses):
        with torch.enable_grad():
            values = loss({**fixed, **leaves}).flatten()
        for number in range(len(values)):
            keep = number < len(values) - 1
            found = torch.autograd.grad(values[number], list(leaves.values()), retain_graph=keep, allow_unused=True)
            for sums, gradient in zip(total.values(), found):
                if gradient is not None:
                    sums.addcmul_(gradient, gradient)
            count += 1
    for name, sums in total.items():
        if not bool(sums.isfinite().all()):
            raise InputError(f"The gradients of `{name}` are not finite numbers. Look at the examples of the probe.")
        sums.div_(count)
    return total


def fisher_mean(
    experts: Sequence[Tensor], fishers: Sequence[Tensor], weights: Sequence[float], *, floor: float
) -> Tensor:
    r"""The mean :math:`\sum_i w_i (F_i + \epsilon) \theta_i / \sum_i w_i (F_i + \epsilon)`, element by element.

    Args:
        experts: (N,) tensors of one shape.
        fishers: (N,) of the same shape, at least 0.
        weights: (N,).
        floor: epsilon; where nothing depends on a parameter, the weighted mean is left.

    Returns:
        A tensor of that shape.

    >>> fisher_mean([torch.zeros(2), torch.ones(2)], [torch.ones(2), torch.tensor([3.0, 1.0])], [1, 1], floor=0.0)
    tensor([0.7500, 0.5000])
    """
    shares = [weight * (fisher + floor) for weight, fisher in zip(weights, fishers)]
    total = sum(shares[1:], shares[0])
    return sum((s * e for s, e in zip(shares[1:], experts[1:])), shares[0] * experts[0]) / total


class Fisher(MergeMethod):
    r"""The mean of experts, each parameter weighted by its Fisher information.

    .. math:: \theta = \frac{\sum_i w_i F_i \theta_i}{\sum_i w_i F_i}

    Reference: Matena and Raffel (2022), Merging Models with Fisher-Weighted Averaging, arXiv:2111.09832, eq. 5.

    Differs from the paper: the Fisher matrix is the empirical one, of embedding losses, one batch an example (see
    :func:`diagonal_fisher`). Its scale says how large a task's loss is and how the batches are made, so each expert's
    is divided by its mean over the model unless `normalize` is off.

    Args:
        statistics: for each expert, :func:`diagonal_fisher` of it: tensors by name. They may be read from a file when
            asked for; a tensor that is missing is merged by the weighted mean.
        weights: w, at least 0.
        floor: added to F, in units of each expert's mean.
        normalize: divide each F by its mean over the model.

    Raises:
        InputError: weights below 0 or all 0, or a negative floor.

    >>> from accord.merging import merge_state_dicts
    >>> surer = Fisher([{"w": torch.tensor([1.0, 3.0])}, {"w": torch.tensor([3.0, 1.0])}], floor=0.0)
    >>> merge_state_dicts(surer, [{"w": torch.zeros(2)}, {"w": torch.ones(2)}])["w"]
    tensor([0.7500, 0.2500])
    """

    contract: ClassVar = Contract(base="unused")
    name: ClassVar = "fisher"

    def __init__(
        self,
        statistics: Sequence[StateDict] = (),
        weights: PerExpert = 1.0,
        *,
        floor: float = 1e-6,
        normalize: bool = True,
    ) -> None:
        check_at_least("floor", floor, 0)
        given = [weights] if isinstance(weights, (int, float)) else list(weights)
        if min(given, default=0.0) < 0 or not any(given):
            raise InputError(f"`weights` must be at least 0, and one of them above. Got {given} instead.")
        self.statistics = statistics
        self.weights = weights
        self.floor = floor
        self.normalize = normalize

    @cached_property
    def _means(self) -> list[float]:
        """Each expert's mean over all of its parameters."""
        means = []
        for own in self.statistics:
            sums = [(float(own[name].double().sum()), own[name].numel()) for name in own]
            means.append(sum(total for total, _ in sums) / max(sum(count for _, count in sums), 1))
        return means

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The mean of the rows."""
        del surveys
        number = len(piece.experts)
        if number != len(self.statistics):
            raise InputError(
                f"`statistics` of `{self.name}` must be of {number} models. Got {len(self.statistics)}. They are "
                "gathered on a probe; name one."
            )
        weights = per_expert("weights", self.weights, number)
        if not all(piece.name in own for own in self.statistics):
            ones = [torch.ones_like(expert) for expert in piece.experts]
            return fisher_mean(piece.experts, ones, weights, floor=0.0)
        rows = [_rows(own[piece.name], piece) for own in self.statistics]
        if self.normalize:
            rows = [row / mean if mean > 0 else row for row, mean in zip(rows, self._means)]
        floor = self.floor if self.normalize else self.floor * max(max(self._means), torch.finfo(torch.float32).tiny)
        return fisher_mean(piece.experts, rows, weights, floor=max(floor, torch.finfo(torch.float32).tiny))


def _rows(whole: Tensor, piece: Piece) -> Tensor:
    """The elements of a tensor that the piece covers, in its shape."""
    shape = piece.experts[0].shape
    if tuple(whole.shape) != piece.shape:
        raise InputError(f"`statistics` of `{piece.name}` have shape {tuple(whole.shape)}, the tensor {piece.shape}.")
    return whole.reshape(-1)[piece.first : piece.first + shape.numel()].view(shape).to(piece.experts[0])
