"""Merging weights that are in memory: the same methods as for files, tensor by tensor, gradients kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import iadd
from typing import Any

import torch

from accord.core.errors import InputError
from accord.merging.base import MergeMethod, Piece, StateDict, row_length
from accord.merging.threads import Pool, pool, workers

__all__ = ["merge_state_dicts"]

SURVEYED, MERGED = 1 << 18, 1 << 20
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
    names = [name for name, tensor in experts[0].items() if tensor.is_floating_point()]
    with pool(workers()) as threaded:
        merge = _Merge(method, experts, base, seed, threaded)
        over_all = merge.surveys(names) if method.scope == "global" else None
        merged = {n: merge.tensor(n, merge.surveys([n]) if over_all is None else over_all) for n in names}
    return {name: merged.get(name, tensor) for name, tensor in experts[0].items()}


Cut = tuple[str, int, int]
"""Rows of a tensor: its name, the first and the one after the last."""


@dataclass(frozen=True)
class _Merge:
    """The same walk over pieces as on disk; pieces that stay in the processor's cache also make it fast."""

    method: MergeMethod
    experts: Sequence[StateDict]
    base: StateDict | None
    seed: int
    threads: Pool

    def surveys(self, names: Sequence[str]) -> list[Any]:
        """The sum of each pass over tensors."""
        done: list[Any] = []
        for _ in range(self.method.passes):
            cuts = (cut for name in names for cut in self._cuts(name, SURVEYED))
            done.append(reduce(iadd, self.threads.map(partial(self._survey, tuple(done)), cuts)))
        return done

    def _survey(self, before: Sequence[Any], cut: Cut) -> Any:
        return self.method.survey(self._piece(cut), before)

    def tensor(self, name: str, surveys: Sequence[Any]) -> torch.Tensor:
        """One merged tensor."""
        first = self.experts[0][name]

        def rows(cut: Cut) -> torch.Tensor:
            return self.method.merge(self._piece(cut), surveys).to(first.dtype)

        def written(cut: Cut) -> torch.Tensor | None:
            part = rows(cut)
            if part.requires_grad:
                return part  # writing is a step of the graph, and steps are taken in one thread
            merged[cut[1] : cut[2]] = part
            return None

        cuts = list(self._cuts(name, MERGED))
        if len(cuts) == 1:
            return rows(cuts[0])
        merged = torch.empty_like(first, memory_format=torch.contiguous_format).detach()
        for (_, start, stop), part in zip(cuts, self.threads.map(written, cuts)):
            if part is not None:
                merged[start:stop] = part
        return merged

    def _cuts(self, name: str, elements: int) -> Iterator[Cut]:
        shape = self.experts[0][name].shape
        rows = max(shape[0] if len(shape) > 1 else 1, 1)
        step = rows if self.method.whole or self._has_graph(name) else max(elements // row_length(shape), 1)
        for first in range(0, rows, step):
            yield name, first, min(first + step, rows)

    def _has_graph(self, name: str) -> bool:
        models = self.experts if self.base is None else (*self.experts, self.base)
        return torch.is_grad_enabled() and any(model[name].requires_grad for model in models)

    def _piece(self, cut: Cut) -> Piece:
        name, first, last = cut
        shape = tuple(self.experts[0][name].shape)
        here = slice(first, last) if len(shape) > 1 else ...
        return Piece(
            name=name,
            experts=[model[name][here].float() for model in self.experts],
            base=None if self.base is None else self.base[name][here].float(),
            first=first * row_length(shape),
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
