"""BERT and its kin without padding."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from accord.core.types import Ragged
from accord.encoders.packed.linear import PackedLinear

__all__ = ["PackedBert", "Segment", "packed_program"]

FAMILIES = frozenset({"BertModel", "RobertaModel", "XLMRobertaModel", "CamembertModel"})
OFFSET = frozenset({"RobertaModel", "XLMRobertaModel", "CamembertModel"})

ROUND = 32
"""Rows are filled up to a multiple of this, so that products come in few shapes: each new one costs time and memory."""

Segment = tuple[int, int, int]
"""Texts of one length in a packed batch: first row, how many texts, how long each is."""


def packed_program(backbone: Any, dtype: torch.dtype) -> PackedBert | None:
    """A program for this backbone, or None where it is of another kind or was changed (adapters, hooks, other layers).

    Args:
        backbone: a transformers model.
        dtype: float32 or bfloat16.
    """
    kind, config = type(backbone).__name__, backbone.config
    if kind not in FAMILIES or not type(backbone).__module__.startswith("transformers.models."):
        return None
    plain = (
        not getattr(config, "is_decoder", False)
        and getattr(config, "is_causal", None) is not True
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", "absolute") in {"absolute", None}
    )
    if not plain or any(_touched(module) for module in backbone.modules()):
        return None
    return PackedBert(backbone, dtype)


def _touched(module: nn.Module) -> bool:
    hooks = module._forward_hooks or module._forward_pre_hooks
    known = isinstance(module, nn.Dropout) or type(module).__module__.startswith(("torch.nn.", "transformers."))
    foreign = not known
    return bool(hooks) or foreign or "forward" in vars(module) or hasattr(module, "parametrizations")


class _Layer:
    """One layer's weights, laid out for the products."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        own, out = layer.attention.self, layer.attention.output
        parts = (own.query, own.key, own.value)
        self.qkv = PackedLinear(torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts]), dtype=dtype)
        self.out = PackedLinear(out.dense.weight, out.dense.bias, dtype=dtype)
        self.up = PackedLinear(layer.intermediate.dense.weight, layer.intermediate.dense.bias, dtype=dtype, gelu=True)
        self.down = PackedLinear(layer.output.dense.weight, layer.output.dense.bias, dtype=dtype)
        self.norms = [_norm(out.LayerNorm, dtype), _norm(layer.output.LayerNorm, dtype)]


def _norm(norm: nn.LayerNorm, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    return norm.weight.detach().to(dtype), norm.bias.detach().to(dtype)


class PackedBert:
    """The layers of one backbone, as they were when this was made.

    Args:
        backbone: of one of the known families.
        dtype: to compute in.
    """

    def __init__(self, backbone: Any, dtype: torch.dtype) -> None:
        config, embeddings = backbone.config, backbone.embeddings
        self.dtype = dtype
        self.width, self.heads = config.hidden_size, config.num_attention_heads
        self.epsilon = config.layer_norm_eps
        self.pad: int | None = config.pad_token_id if type(backbone).__name__ in OFFSET else None
        types = embeddings.token_type_embeddings.weight[0]
        self.words = embeddings.word_embeddings.weight.detach()
        self.places = (embeddings.position_embeddings.weight + types).detach()
        self.norm = _norm(embeddings.LayerNorm, torch.float32)
        self.layers = [_Layer(layer, dtype) for layer in backbone.encoder.layer]

    def __call__(self, ids: Ragged, rows: np.ndarray, *, layer: int | None = None) -> tuple[Tensor, list[Segment]]:
        """Token vectors of some texts, end to end.

        Args:
            ids: all texts.
            rows: which of them, those of equal length next to each other.
            layer: after how many layers to stop.

        Returns:
            (tokens, width) float32 vectors, and where texts of each length lie.
        """
        found, segments = self.after(ids, rows, (layer,))
        return found[0], segments

    def after(self, ids: Ragged, rows: np.ndarray, layers: Sequence[int | None]) -> tuple[list[Tensor], list[Segment]]:
        """Token vectors after each of some layers, from one pass that stops at the deepest.

        Args:
            ids: all texts.
            rows: which of them, those of equal length next to each other.
            layers: after how many layers each; None for all.

        Returns:
            As a call, with vectors for each of `layers`.
        """
        depths = [len(self.layers) if layer is None else layer for layer in layers]
        segments, total = _segments(ids.lengths[rows]), int(ids.lengths[rows].sum())
        h = self._embed(ids, rows)
        found = {0: h[:total].float()} if 0 in depths else {}
        for depth, block in enumerate(self.layers[: max(depths)], 1):
            h = self._layer(block, h, segments)
            if depth in depths:
                found[depth] = h[:total].float()
        return [found[depth] for depth in depths], segments

    def _embed(self, ids: Ragged, rows: np.ndarray) -> Tensor:
        lengths = ids.lengths[rows]
        total = int(lengths.sum())
        both = np.zeros((2, -(-total // ROUND) * ROUND), dtype=np.int64)
        np.concatenate([ids[row] for row in rows], out=both[0, :total])
        np.concatenate([self._positions(ids[row]) for row in rows], out=both[1, :total])
        flat, places = torch.from_numpy(both)
        h = F.embedding(flat, self.words) + F.embedding(places, self.places)
        return F.layer_norm(h, (self.width,), *self.norm, self.epsilon).to(self.dtype)

    def _positions(self, ids: np.ndarray) -> np.ndarray:
        """From 0; in RoBERTa's family from the padding's id + 1, where padding that stands in a text does not count."""
        if self.pad is None:
            return np.arange(len(ids))
        real = ids != self.pad
        return np.cumsum(real) * real + self.pad

    def _layer(self, block: _Layer, h: Tensor, segments: Sequence[Segment]) -> Tensor:
        attended = self._attend(block.qkv(h), segments)
        h = F.layer_norm(block.out(attended) + h, (self.width,), *block.norms[0], self.epsilon)
        return F.layer_norm(block.down(block.up(h)) + h, (self.width,), *block.norms[1], self.epsilon)

    def _attend(self, qkv: Tensor, segments: Sequence[Segment]) -> Tensor:
        """Attention within each text; `qkv` is (tokens, 3 x width)."""
        attended = torch.empty((len(qkv), self.width), dtype=qkv.dtype)
        attended[segments[-1][0] + segments[-1][1] * segments[-1][2] :] = 0
        each = self.width // self.heads
        for start, texts, length in segments:
            end = start + texts * length
            # (3, texts, heads, length, each)
            q, k, v = qkv[start:end].view(texts, length, 3, self.heads, each).permute(2, 0, 3, 1, 4)
            found = F.scaled_dot_product_attention(q, k, v)
            attended[start:end].view(texts, length, self.heads, each).copy_(found.transpose(1, 2))
        return attended


def _segments(lengths: np.ndarray) -> list[Segment]:
    """Runs of equal length.

    >>> _segments(np.array([3, 3, 2]))
    [(0, 2, 3), (6, 1, 2)]
    """
    edges = np.flatnonzero(np.diff(lengths)) + 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    bounds = [0, *edges.tolist(), len(lengths)]
    return [(int(starts[a]), b - a, int(lengths[a])) for a, b in itertools.pairwise(bounds)]
