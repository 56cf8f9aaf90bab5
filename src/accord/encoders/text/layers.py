"""The layers of a backbone: how many positions it has, its last normalisation, and cutting it short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from accord.core.errors import InputError

__all__ = ["cut_layers", "final_norm", "keep_layers", "usable_positions"]

OFFSET_POSITIONS = frozenset(
    {"roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "xlm-roberta-xl", "data2vec-text"}
)
"""Families whose first positions are taken by padding."""


def usable_positions(backbone: Any) -> int | None:
    """How many tokens a backbone can read; None where it does not say."""
    config = backbone.config
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return None
    if config.model_type in OFFSET_POSITIONS:
        padding = getattr(getattr(backbone, "embeddings", None), "padding_idx", config.pad_token_id or 0)
        return limit - 1 - padding
    return limit


def final_norm(backbone: nn.Module) -> nn.Module:
    """What a backbone applies after its last layer, and so after an earlier one when cut there."""
    norm = getattr(backbone, "final_norm", None) or getattr(backbone, "norm", None)
    return norm if isinstance(norm, nn.Module) else nn.Identity()


def cut_layers(backbone: Any, layers: int) -> None:
    """Keep the first `layers` layers, in place.

    Raises:
        InputError: the layers cannot be found.
    """
    keep_layers(backbone, range(layers))


def keep_layers(backbone: Any, numbers: Sequence[int]) -> None:
    """Keep some layers, in place.

    Args:
        backbone: a transformers model.
        numbers: of the layers, from 0, in rising order.

    Raises:
        InputError: the layers cannot be found.
    """
    depth = backbone.config.num_hidden_layers
    if list(numbers) == list(range(depth)):
        return
    for owner in backbone.modules():
        for name, child in owner.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == depth:
                setattr(owner, name, _numbered([child[number] for number in numbers]))
                backbone.config.num_hidden_layers = len(numbers)
                if getattr(backbone.config, "layer_types", None):
                    backbone.config.layer_types = [backbone.config.layer_types[number] for number in numbers]
                return
    raise InputError(f"The {depth} layers of {type(backbone).__name__} were not found; it cannot be cut.")


def _numbered(layers: Sequence[nn.Module]) -> nn.ModuleList:
    """Layers that know their new places, as they will when they are read from a file: decoders count by them."""
    for place, layer in enumerate(layers):
        for module in layer.modules():
            if isinstance(getattr(module, "layer_idx", None), int):
                module.layer_idx = place  # type: ignore[assignment]
    return nn.ModuleList(layers)
