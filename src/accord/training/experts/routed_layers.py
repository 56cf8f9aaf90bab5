r"""Layers whose weights differ from text to text: shared, plus each text's own mixture of exclusive parts.

A mixture is never written out. A linear map adds the low-rank outputs of all experts, each scaled by the text's weight:

.. math:: W x + \sum_i g_i B_i A_i x
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.errors import InputError
from accord.training.experts.exclusive import Exclusive

__all__ = ["Gate", "add_experts"]


class Gate:
    """The weights of the batch that passes through, set before each pass.

    Attributes:
        weights: (batch, experts).
    """

    def __init__(self) -> None:
        self.weights = torch.zeros(0, 0)

    def of(self, rows: int, ndim: int) -> Float[Tensor, "batch ..."]:
        """The weights, shaped to go with a tensor of `ndim` dimensions and `rows` rows."""
        if rows not in {1, len(self.weights)}:
            raise InputError(
                f"This backbone lays texts together ({rows} rows for {len(self.weights)} texts), so its texts cannot "
                "be weighted one by one. Use `top=1`, which loads one expert at a time."
            )
        return self.weights.view(len(self.weights), *[1] * (ndim - 2), -1)


class _Parts(nn.Module):
    """The exclusive parts of one tensor, of all experts side by side."""

    def __init__(self, experts: Sequence[Exclusive], name: str, like: Tensor) -> None:
        super().__init__()
        found = [expert.factors.get(name) for expert in experts]
        ranks = [0 if one is None else one[0].shape[1] for one in found]
        kept = [one for one in found if one is not None]
        empty = like.new_zeros(0, 0)
        self.register_buffer("ranks", torch.tensor(ranks), persistent=False)
        self.register_buffer("up", torch.cat([u for u, _ in kept], 1).to(like) if kept else empty, persistent=False)
        self.register_buffer("down", torch.cat([d for _, d in kept], 0).to(like) if kept else empty, persistent=False)
        self.up: Tensor
        self.down: Tensor
        self.ranks: Tensor

    @property
    def total(self) -> int:
        """Ranks of all experts together."""
        return len(self.down)

    def scaled(self, low: Float[Tensor, "batch ... ranks"], gate: Tensor) -> Tensor:
        """Low-rank coordinates times the weight of the expert that each belongs to."""
        return low * gate.repeat_interleave(self.ranks, dim=-1)


def _vectors(experts: Sequence[Exclusive], name: str, like: Tensor | None) -> Tensor | None:
    """(experts, width) differences of a tensor with one dimension, or None where there are none."""
    if like is None or not any(name in expert.vectors for expert in experts):
        return None
    return torch.stack([expert.vectors.get(name, torch.zeros_like(like)).to(like) for expert in experts])


class RoutedLinear(nn.Module):
    """A linear map with exclusive parts."""

    def __init__(self, base: nn.Linear, experts: Sequence[Exclusive], name: str, gate: Gate) -> None:
        super().__init__()
        self.base, self.gate = base, gate
        self.parts = _Parts(experts, f"{name}.weight", base.weight)
        self.register_buffer("biases", _vectors(experts, f"{name}.bias", base.bias), persistent=False)
        self.biases: Tensor | None

    @property
    def weight(self) -> Tensor:
        """The shared weights, for those who ask for their type or size."""
        return self.base.weight

    def forward(self, x: Float[Tensor, "batch ... inner"]) -> Float[Tensor, "batch ... outer"]:
        """The map of each text's own weights."""
        found, gate = self.base(x), self.gate.of(len(x), x.ndim)
        if self.parts.total:
            found = found + F.linear(self.parts.scaled(F.linear(x, self.parts.down), gate), self.parts.up)
        return found if self.biases is None else found + gate @ self.biases


class RoutedEmbedding(nn.Module):
    """A table with exclusive parts."""

    def __init__(self, base: nn.Embedding, experts: Sequence[Exclusive], name: str, gate: Gate) -> None:
        super().__init__()
        self.base, self.gate = base, gate
        self.parts = _Parts(experts, f"{name}.weight", base.weight)

    @property
    def weight(self) -> Tensor:
        """The shared weights, for those who ask for their type or size."""
        return self.base.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Rows of each text's own table."""
        low = self.parts.scaled(F.embedding(ids, self.parts.up), self.gate.of(len(ids), ids.ndim + 1))
        return self.base(ids) + F.linear(low, self.parts.down.T)


class RoutedNorm(nn.Module):
    """A layer normalisation with exclusive parts."""

    def __init__(self, base: nn.LayerNorm, experts: Sequence[Exclusive], name: str, gate: Gate) -> None:
        super().__init__()
        self.base, self.gate = base, gate
        self.register_buffer("scales", _vectors(experts, f"{name}.weight", base.weight), persistent=False)
        self.register_buffer("biases", _vectors(experts, f"{name}.bias", base.bias), persistent=False)
        self.scales: Tensor | None
        self.biases: Tensor | None

    def forward(self, x: Float[Tensor, "batch ... width"]) -> Float[Tensor, "batch ... width"]:
        """Normalised, then scaled and moved by each text's own weights."""
        gate = self.gate.of(len(x), x.ndim)
        found = self.base(x)
        if self.scales is not None:
            plain = F.layer_norm(x, self.base.normalized_shape, None, None, self.base.eps)
            found = found + plain * (gate @ self.scales)
        return found if self.biases is None else found + gate @ self.biases


ROUTED: Mapping[type[nn.Module], type[RoutedLinear | RoutedEmbedding | RoutedNorm]] = {
    nn.Linear: RoutedLinear,
    nn.Embedding: RoutedEmbedding,
    nn.LayerNorm: RoutedNorm,
}


def add_experts(encoder: nn.Module, experts: Sequence[Exclusive]) -> Gate:
    """Give an encoder's layers their exclusive parts, in place.

    Args:
        encoder: the shared model; its own weights are not changed.
        experts: their exclusive parts, by the names of the encoder's tensors.

    Returns:
        Where the weights of each batch are put.

    Raises:
        InputError: a tensor in a layer that is neither linear, a table nor a layer normalisation.
    """
    gate = Gate()
    names = {name for expert in experts for name in (*expert.factors, *expert.vectors)}
    for owner in sorted({name.rpartition(".")[0] for name in names}):
        module = encoder.get_submodule(owner)
        kind = next((routed for plain, routed in ROUTED.items() if type(module) is plain), None)
        if kind is None:
            raise InputError(
                f"`{owner}` is a {type(module).__name__}, whose weights cannot differ from text to text. Use `top=1`, "
                "which loads one expert at a time."
            )
        parent, _, last = owner.rpartition(".")
        setattr(encoder.get_submodule(parent), last, kind(module, experts, owner, gate))  # type: ignore[arg-type]
    return gate
