"""The merged change of each layer: from stacked factors where the merge is a weighted sum, else from whole changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.maths.low_rank import Truncated, product_norm, truncated_matrix, truncated_product
from accord.merging.base import MergeMethod, Piece, StateDict
from accord.merging.low_rank.folders import AdapterFolder
from accord.merging.memory import merge_state_dicts

__all__ = ["Change", "Changes", "factor_weights", "merged_changes"]


@dataclass(frozen=True)
class Change:
    """What is added to one layer: a product of factors, or a whole matrix.

    Args:
        layer: name of the layer in the backbone.
        up: (outer, rank), or None.
        down: (rank, inner), or None.
        whole: (outer, inner), where the change is no product of known factors.
        scale: factor of the product.
        kept: squares of the singular values that are left, summed.
        total: of all of them.
        norms: Frobenius norm of each adapter's own change.
    """

    layer: str
    up: Tensor | None
    down: Tensor | None
    whole: Tensor | None
    scale: float
    kept: float
    total: float
    norms: tuple[float, ...]

    @property
    def energy(self) -> float:
        """The share of the merged change that is left, in [0, 1]."""
        return min(1.0, self.kept / self.total) if self.total else 1.0

    @property
    def matrix(self) -> Tensor:
        """(outer, inner) the change itself, float32."""
        if self.whole is not None:
            return self.whole
        assert self.up is not None
        assert self.down is not None
        return self.scale * (self.up @ self.down)


class Changes(Mapping[str, Tensor]):
    """The changes of an adapter as weights by layer, made when they are asked for; zeros where it changes nothing.

    Args:
        adapter: whose.
        shapes: of all layers that any adapter changes.
        base: added to each change, where whole weights are merged.
    """

    def __init__(
        self, adapter: AdapterFolder, shapes: Mapping[str, tuple[int, int]], base: StateDict | None = None
    ) -> None:
        self.adapter = adapter
        self.shapes = shapes
        self.base = base
        self._last: tuple[str, Tensor] | None = None

    def __getitem__(self, layer: str) -> Tensor:
        if self._last is None or self._last[0] != layer:
            here = layer in self.adapter.scales
            change = self.adapter.change(layer) if here else torch.zeros(self.shapes[layer])
            self._last = layer, change if self.base is None else change + self.base[layer].float()
        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def factor_weights(method: MergeMethod, number: int) -> list[float] | None:
    """The factor of each expert's change, where the merge is a weighted sum of them; None for every other method.

    They are read off a merge of unit vectors onto zeros.

    >>> from accord.merging import Linear
    >>> factor_weights(Linear([1, 3]), 2)
    [0.25, 0.75]
    """
    if not method.linear:
        return None
    units = [row[None] for row in torch.eye(number)]
    zeros = None if method.contract.base == "unused" else torch.zeros(1, number)
    return method.merge(Piece("factors", units, zeros, 0, (1, number)), []).flatten().tolist()


def merged_changes(
    methods: Mapping[str, MergeMethod],
    adapters: Sequence[AdapterFolder],
    *,
    rank: int | None,
    scale: float = 1.0,
    base: StateDict | None = None,
    seed: int = 0,
) -> Iterator[Change]:
    """The merged change of one layer after another.

    Args:
        methods: of each layer.
        adapters: of one base.
        rank: to cut each change to; as it comes when not given.
        scale: factor of all products; a factor that needs no change for it is kept bit for bit.
        base: weights by layer, where whole weights are merged and not changes.
        seed: of what the method draws.

    Raises:
        InputError: numbers that are not finite, or too few or too many adapters for the method.
    """
    norms = {layer: tuple(_norm(adapter, layer) for adapter in adapters) for layer in methods}
    dense: dict[str, MergeMethod] = {}
    for layer, method in methods.items():
        weights = factor_weights(method, len(adapters))
        onto_base = method.contract.base == "required" or (weights is not None and abs(sum(weights) - 1) < 1e-6)
        if weights is not None and (base is None or onto_base):
            yield _summed(layer, adapters, weights, rank=rank, scale=scale, norms=norms[layer])
        else:
            dense[layer] = method
    for layer, change in _whole(dense, adapters, base=base, seed=seed):
        if rank is None:
            total = float(change.double().square().sum())
            yield Change(layer, None, None, change, 1.0, total, total, norms[layer])
        else:
            yield _cut(layer, truncated_matrix(change / scale, rank), scale, norms[layer])


def _summed(
    layer: str,
    adapters: Sequence[AdapterFolder],
    weights: Sequence[float],
    *,
    rank: int | None,
    scale: float,
    norms: tuple[float, ...],
) -> Change:
    r"""The factors of :math:`\sum_i w_i s_i B_i A_i`, side by side."""
    ups, downs = [], []
    for adapter, weight in zip(adapters, weights):
        if weight and layer in adapter.scales:
            up, down = adapter.factors(layer)
            factor = weight * adapter.scales[layer] / scale
            ups.append(up if factor == 1 else up * factor)
            downs.append(down)
    outer, inner = layer_shape(layer, adapters)
    up = torch.cat(ups, dim=1) if ups else torch.zeros(outer, 1)
    down = torch.cat(downs) if downs else torch.zeros(1, inner)
    if rank is None:
        total = (scale * product_norm(up, down)) ** 2
        return Change(layer, up, down, None, scale, total, total, norms)
    return _cut(layer, truncated_product(up, down, rank), scale, norms)


def _whole(
    methods: Mapping[str, MergeMethod], adapters: Sequence[AdapterFolder], *, base: StateDict | None, seed: int
) -> Iterator[tuple[str, Tensor]]:
    """Whole changes, merged layer by layer, or all at once where the method looks at all of them together."""
    shapes = {layer: layer_shape(layer, adapters) for layer in methods}
    for method, layers in _groups(methods):
        group = {layer: shapes[layer] for layer in layers}
        experts = [Changes(adapter, group, base) for adapter in adapters]
        zeros = {name: torch.zeros(shape) for name, shape in group.items()}
        needed = method.contract.base == "required" or (method.contract.base == "optional" and base is None)
        origin = zeros if base is None else {name: base[name].float() for name in group}
        merged = merge_state_dicts(method, experts, origin if needed else None, seed=seed)
        for layer in group:
            change = merged.pop(layer) - (0 if base is None else base[layer].float())
            if not torch.isfinite(change).all():
                raise InputError(f"`{layer}`: {method.name} gives NaN or infinity. Choose other parameters.")
            yield layer, change


def _groups(methods: Mapping[str, MergeMethod]) -> Iterator[tuple[MergeMethod, list[str]]]:
    """Layers that are merged at once: all of equal methods whose scope is global, else each by itself."""
    together: dict[str, tuple[MergeMethod, list[str]]] = {}
    for layer, method in methods.items():
        if method.scope == "global":
            together.setdefault(repr(method), (method, []))[1].append(layer)
        else:
            yield method, [layer]
    yield from together.values()


def layer_shape(layer: str, adapters: Sequence[AdapterFolder]) -> tuple[int, int]:
    """(outer, inner) of a layer that some adapter changes."""
    return next(adapter.shape(layer) for adapter in adapters if layer in adapter.scales)


def _norm(adapter: AdapterFolder, layer: str) -> float:
    if layer not in adapter.scales:
        return 0.0
    up, down = adapter.factors(layer)
    return abs(adapter.scales[layer]) * product_norm(up, down)


def _cut(layer: str, found: Truncated, scale: float, norms: tuple[float, ...]) -> Change:
    squared = scale**2
    return Change(layer, found.up, found.down, None, scale, squared * found.kept, squared * found.total, norms)
