"""What several changes of one weight come to: their sum, or the mean of those on the side that wins.

Everything here is a running sum: memory for a few tensors, however many changes there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

__all__ = ["disjoint_mean", "weighted_sum"]


def weighted_sum(tensors: Iterable[Tensor], weights: Sequence[float | Tensor]) -> Tensor:
    r"""The weighted sum :math:`\sum_i w_i x_i`.

    Args:
        tensors: (N,) of equal shape; taken one at a time.
        weights: (N,) numbers, or tensors that broadcast, which may ask for gradients.

    Returns:
        A fresh tensor of their shape and dtype.

    >>> weighted_sum([torch.tensor([1.0]), torch.tensor([2.0])], [1.0, 0.5])
    tensor([2.])
    """
    total: Tensor | None = None
    for tensor, weight in zip(tensors, weights):
        if total is None:
            total = tensor * (weight.to(tensor.dtype) if isinstance(weight, Tensor) else weight)
        elif isinstance(weight, Tensor):
            total = total.addcmul_(tensor, weight.to(tensor.dtype))
        else:
            total = total.add_(tensor, alpha=weight)
    assert total is not None, "at least one tensor"
    return total


def disjoint_mean(
    deltas: Iterable[Tensor], weights: Sequence[float | Tensor], *, normalize: bool = True, equal_votes: bool = False
) -> Tensor:
    r"""Elect a sign for each element, then average those that have it.

    .. math:: \gamma = \mathrm{sgn} \sum_i w_i \delta_i, \qquad
        \frac{\sum_{i \in A} w_i \delta_i}{\sum_{i \in A} |w_i|}, \quad A = \{i : \mathrm{sgn}(w_i \delta_i) = \gamma\}

    What is zero has no vote and no part; where the votes cancel, the result is zero.

    Also known as: sign election with disjoint merge, the elect and merge steps of TIES.

    Reference: Yadav et al. (2023), TIES-Merging, arXiv:2306.01708, section 3.

    Differs from the paper: weights; the paper's are all 1. Where positive and negative votes are equal the result is
    zero; the authors' program gives such elements the sign of the majority of the vector.

    Args:
        deltas: (N,) of equal shape; taken one at a time.
        weights: (N,) numbers of any sign, or tensors of no dimension, which may ask for gradients.
        normalize: divide by the weights of those that agree; without, their sum.
        equal_votes: elect by the sum of the changes without weights. Weights must then be at least 0.

    Returns:
        A tensor of a delta's shape.

    >>> disjoint_mean([torch.tensor([3.0, 1.0]), torch.tensor([1.0, -4.0])], [1.0, 1.0])
    tensor([ 2., -4.])
    """
    sides: _Sides | None = None
    ballot: Tensor | None = None
    for delta, weight in zip(deltas, weights):
        if isinstance(weight, Tensor):
            weight = weight.to(delta.dtype)
        sides = _Sides.of(delta, weight) if sides is None else sides.add(delta, weight)
        if equal_votes:
            ballot = delta.detach().clone() if ballot is None else ballot.add_(delta.detach())
    assert sides is not None, "at least one change"
    won = (sides.up.detach() + sides.down.detach() if ballot is None else ballot).sign_()
    ups, downs = won.clamp(min=0), won.clamp(max=0).neg_()
    total = sides.up.mul_(ups).addcmul_(sides.down, downs)
    if not normalize:
        return total
    share = sides.weight_up.mul_(ups).addcmul_(sides.weight_down, downs)
    # Where nobody won, and where those who won have no weight, the divisor is 1.
    return total.div_(share.add_(1.0 - share.sign()))


@dataclass
class _Sides:
    """Sums of the positive and of the negative contributions, and of the weights behind them."""

    up: Tensor
    down: Tensor
    weight_up: Tensor
    weight_down: Tensor

    @classmethod
    def of(cls, delta: Tensor, weight: float | Tensor) -> _Sides:
        change = delta * weight
        side = change.detach().sign()
        size = abs(weight)
        return cls(change.clamp(min=0), change.clamp(max=0), side.clamp(min=0) * size, side.clamp_(max=0) * -size)

    def add(self, delta: Tensor, weight: float | Tensor) -> _Sides:
        change = delta * weight
        side = change.detach().sign()
        size = abs(weight)
        self.up = self.up.add_(change.clamp(min=0))
        self.down = self.down.add_(change.clamp(max=0))
        ups, downs = side.clamp(min=0), side.clamp_(max=0)
        if isinstance(size, Tensor):
            self.weight_up, self.weight_down = self.weight_up + ups * size, self.weight_down - downs * size
        else:
            self.weight_up, self.weight_down = (
                self.weight_up.add_(ups, alpha=size),
                self.weight_down.sub_(downs, alpha=size),
            )
        return self
