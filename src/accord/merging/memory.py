"""Merging weights that are in memory: the same methods as for files, tensor by tensor, gradients kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import iadd
from typing import Any

import torch

from accord.core.errors import InputError
from accord.merging.base import MergeMethod, Piece, StateDict, row_length

__all__ = ["merge_state_dicts"]

SURVEYED, MERGED = 1 << 18, 1 << 16
"""Elements in a piece; what is merged does not depend on them."""


def merge_state_dicts(
    method: MergeMethod, experts: Sequence[StateDict], base: StateDict | None = None, *, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Merge weights that are in memory.

    Tensors that are not of floating point, such as position numbers, are taken from the first expert.

    Args:
        method: how.
        experts: models of the same tensors.
        base: what they come from.
        seed: of whatever the method draws.

    Returns:
        The merged weights in the dtype of the first expert; gradients flow from them to the experts' and to the
        method's numbers where those ask for them.

    Raises:
        InputError: models that differ in tensors or shapes, a missing base, a number of experts that does not fit.

    >>> from accord.merging import Linear
    >>> merge_state_dicts(Linear(), [{"w": torch.zeros(2)}, {"w": torch.ones(2)}])["w"]
    tensor([0.5000, 0.5000])
    """
    method.for_experts(len(experts))
    if method.contract.base == "required" and base is None:
        raise InputError(f"`{method.name}` needs the base model. Pass it as `base`.")
    _check(experts, base)
    merge = _Merge(method, experts, base, seed)
    names = [name for name, tensor in experts[0].items() if tensor.is_floating_point()]
    over_all = merge.surveys(names) if method.scope == "global" else None
    return {
        name: merge.tensor(name, merge.surveys([name]) if over_all is None else over_all) if name in names else tensor
        for name, tensor in experts[0].items()
    }


@dataclass(frozen=True)
class _Merge:
    """The same walk over pieces as on disk; pieces that stay in the processor's cache also make it fast."""

    method: MergeMethod
    experts: Sequence[StateDict]
    base: StateDict | None
    seed: int

    def surveys(self, names: Sequence[str]) -> list[Any]:
        """The sum of each pass over tensors."""
        done: list[Any] = []
        for _ in range(self.method.passes):
            found = (self.method.survey(piece, done) for name in names for piece in self._pieces(name, SURVEYED))
            done.append(reduce(iadd, found))
        return done

    def tensor(self, name: str, surveys: Sequence[Any]) -> torch.Tensor:
        """One merged tensor."""
        first = self.experts[0][name]
        merged = torch.empty_like(first, memory_format=torch.contiguous_format).detach()
        flat = merged.view(-1)
        for piece in self._pieces(name, MERGED):
            rows = self.method.merge(piece, surveys).to(first.dtype)
            if rows.numel() == first.numel():
                return rows
            flat[piece.first : piece.first + rows.numel()] = rows.reshape(-1)
        return merged

    def _pieces(self, name: str, elements: int) -> Iterator[Piece]:
        tensors = [model[name] for model in self.experts]
        origin = None if self.base is None else self.base[name]
        shape = tuple(tensors[0].shape)
        graph = torch.is_grad_enabled() and any(t.requires_grad for t in (*tensors, origin) if t is not None)
        rows = shape[0] if len(shape) > 1 else 1
        step = rows if self.method.whole or graph else elements // row_length(shape)
        for start in range(0, max(rows, 1), max(step, 1)):
            cut = slice(start, start + max(step, 1)) if step < rows else ...
            yield Piece(
                name=name,
                experts=[tensor[cut].float() for tensor in tensors],
                base=None if origin is None else origin[cut].float(),
                first=start * row_length(shape),
                shape=shape,
                seed=self.seed,
            )


def _check(experts: Sequence[StateDict], base: StateDict | None) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in experts[0].items()}
    others = [(f"expert {number}", expert) for number, expert in enumerate(experts[1:], start=2)]
    for who, model in [*others, *([("the base", base)] if base is not None else [])]:
        for name in sorted(shapes.keys() ^ model.keys()):
            where = "expert 1 alone" if name in shapes else f"{who} alone"
            raise InputError(f"`{name}` is in {where}. Models that are merged must have the same tensors.")
        for name, shape in shapes.items():
            if tuple(model[name].shape) != shape:
                raise InputError(f"`{name}` has shape {shape} in expert 1 and {tuple(model[name].shape)} in {who}.")
