"""Merging weights that are in memory: the same methods as for files, tensor by tensor, gradients kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import torch

from accord.core.errors import InputError
from accord.merging.base import MergeMethod, Piece, StateDict

__all__ = ["merge_state_dicts"]


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
    pieces = {
        name: Piece(
            name=name,
            experts=[expert[name].float() for expert in experts],
            base=None if base is None else base[name].float(),
            first=0,
            shape=tuple(first.shape),
            seed=seed,
        )
        for name, first in experts[0].items()
        if first.is_floating_point()
    }
    surveys: dict[str, list[Any]] = {name: [] for name in pieces}
    for _ in range(method.passes):
        found = {name: method.survey(piece, surveys[name]) for name, piece in pieces.items()}
        total = reduce(add, found.values()) if method.scope == "global" else None
        for name, own in found.items():
            surveys[name].append(own if total is None else total)
    merged = {name: method.merge(piece, surveys[name]) for name, piece in pieces.items()}
    return {name: merged[name].to(t.dtype) if name in merged else t for name, t in experts[0].items()}


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
