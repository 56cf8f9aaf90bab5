"""Task vectors in memory: what each expert changed, their scalar products, and models placed among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.merging.base import StateDict

__all__ = ["TaskVectors"]


class TaskVectors:
    r"""The changes :math:`\tau_i = \theta_i - \theta_0` of all experts, in float32.

    Memory holds the task vectors and the base; each expert is looked at once, so that a sequence which loads them one
    by one never holds two. Tensors that are not of floating point stay as the base has them.

    Args:
        base: what the experts come from.
        experts: models of the same tensors.

    Raises:
        InputError: no expert, or one that differs in tensors or shapes.

    Attributes:
        base: the base in float32.
        deltas: name -> (N, ...) the changes of that tensor.
        fixed: tensors that no task vector changes.
        number: N.

    >>> vectors = TaskVectors({"w": torch.zeros(2)}, [{"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([0.0, 1.0])}])
    >>> vectors.gramian().tolist()
    [[25.0, 4.0], [4.0, 1.0]]
    >>> vectors.place(torch.tensor([1.0, 2.0]))["w"]
    tensor([3., 6.])
    """

    def __init__(self, base: StateDict, experts: Sequence[StateDict]) -> None:
        self.number = len(experts)
        if not self.number:
            raise InputError("`experts` must hold at least one model. Got none.")
        self.base = {name: t.detach().float() for name, t in base.items() if t.is_floating_point()}
        self.fixed = {name: t for name, t in base.items() if name not in self.base}
        self.deltas = {name: t.new_empty((self.number, *t.shape)) for name, t in self.base.items()}
        for number in range(self.number):
            expert = experts[number]
            _check(expert, base, number + 1)
            for name, deltas in self.deltas.items():
                torch.sub(expert[name].detach().to(deltas), self.base[name], out=deltas[number])

    def gramian(self) -> Tensor:
        """(N, N) float64 scalar products of the task vectors, each over all tensors."""
        total = torch.zeros(self.number, self.number, dtype=torch.float64)
        for deltas in self.deltas.values():
            flat = deltas.flatten(1)
            total += (flat @ flat.T).double().cpu()
        return total

    def place(
        self, coefficients: Tensor | Mapping[str, Tensor], parts: Mapping[str, Tensor] | None = None
    ) -> StateDict:
        r"""The model :math:`\theta_0 + \sum_i c_i \tau_i`, with gradients to the coefficients.

        Args:
            coefficients: (N,) for all tensors, or for each tensor by name, (N,) or (N, parts).
            parts: for tensors with several parts, which one each element belongs to.

        Returns:
            All tensors by name.
        """
        parts = parts or {}
        placed = {}
        for name, deltas in self.deltas.items():
            own = coefficients if isinstance(coefficients, Tensor) else coefficients[name]
            own = own.to(deltas)
            change: Any = (
                _Parted.apply(own, deltas, parts[name]) if own.ndim == 2 else torch.tensordot(own, deltas, dims=1)
            )
            placed[name] = self.base[name] + change
        return {**self.fixed, **placed}


class _Parted(torch.autograd.Function):
    """The sum of task vectors of one tensor with a coefficient for each part of its elements.

    Written out, since automatic differentiation would keep a copy of every task vector, and sum element by element.
    """

    @staticmethod
    def forward(ctx: Any, coefficients: Tensor, deltas: Tensor, parts: Tensor) -> Tensor:
        ctx.save_for_backward(deltas, parts)
        ctx.count = coefficients.shape[1]
        where, total = parts.long(), torch.zeros_like(deltas[0])
        for own, delta in zip(coefficients, deltas):
            total += own[where] * delta
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        deltas, parts = ctx.saved_tensors
        gradient, where = gradients[0], parts.long().flatten()
        rows = [torch.bincount(where, (gradient * d).flatten(), minlength=ctx.count) for d in deltas]
        return torch.stack(rows).to(gradient.dtype), None, None


def _check(expert: StateDict, base: StateDict, number: int) -> None:
    for name in sorted(base.keys() ^ expert.keys()):
        where = "the base" if name in base else f"expert {number}"
        raise InputError(f"`{name}` is in {where} alone. Models that are merged must have the same tensors.")
    for name, tensor in base.items():
        if expert[name].shape != tensor.shape:
            shapes = f"{tuple(tensor.shape)} in the base and {tuple(expert[name].shape)} in expert {number}"
            raise InputError(f"`{name}` has shape {shapes}.")
