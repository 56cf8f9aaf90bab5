"""The width of a backbone: how many inner units its feed-forward parts have, and running or cutting it with fewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from accord.core.errors import InputError

__all__ = ["cut_width", "inner_linears", "inner_width", "run_narrow"]

KEYS = ("intermediate_size", "hidden_dim", "n_inner")
"""Names of the width in a `config.json`, by family."""


def inner_width(backbone: Any) -> int | None:
    """Inner units of each layer's feed-forward part; None where they are not found, or differ by layer."""
    config = backbone.config
    width = next((value for key in KEYS if isinstance(value := getattr(config, key, None), int)), None)
    if width is None or width == config.hidden_size:
        return None
    into, out = _linears(backbone, width)
    layers = config.num_hidden_layers
    whole = layers > 0 and len(out) == layers and len(into) % layers == 0 and len(into) > 0
    return width if whole else None


def inner_linears(backbone: Any) -> list[tuple[list[nn.Linear], nn.Linear]]:
    """Of each layer, the linear maps into its inner units (two where one gates the other) and the one out of them.

    Raises:
        InputError: the feed-forward parts are not found.
    """
    width = inner_width(backbone)
    if width is None:
        raise InputError(f"The feed-forward parts of {type(backbone).__name__} were not found; they cannot be pruned.")
    into, out = (list(found.values()) for found in _linears(backbone, width))
    each = len(into) // len(out)
    return [(into[each * number : each * (number + 1)], one) for number, one in enumerate(out)]


def run_narrow(backbone: Any, width: int, inputs: Mapping[str, Any]) -> Any:
    """The output of a backbone of which only the first `width` inner units of each layer take part.

    Args:
        backbone: stays as it is; gradients go to the part of its weights that took part.
        width: inner units, at most as many as it has.
        inputs: of its forward pass.
    """
    return torch.func.functional_call(backbone, _narrowed(backbone, width), (), dict(inputs))


def cut_width(backbone: Any, width: int) -> None:
    """Keep the first `width` inner units of each layer, in place.

    Raises:
        InputError: the feed-forward parts are not found.
    """
    for name, value in _narrowed(backbone, width).items():
        owner, _, own = name.rpartition(".")
        module = backbone.get_submodule(owner)
        setattr(module, own, nn.Parameter(value.detach().clone(), requires_grad=value.requires_grad))
        if own == "weight":
            module.out_features, module.in_features = value.shape
    for key in KEYS:
        if isinstance(getattr(backbone.config, key, None), int):
            setattr(backbone.config, key, width)


def _narrowed(backbone: Any, width: int) -> dict[str, Tensor]:
    """The weights of the feed-forward parts, cut to their first units, by name."""
    whole = inner_width(backbone)
    if whole is None:
        raise InputError(
            f"The feed-forward parts of {type(backbone).__name__} were not found, or their units are tied to each "
            "other; its width cannot be cut."
        )
    into, out = _linears(backbone, whole)
    found = {}
    for name, linear in into.items():
        found[f"{name}.weight"] = linear.weight[:width]
        if linear.bias is not None:
            found[f"{name}.bias"] = linear.bias[:width]
    return found | {f"{name}.weight": linear.weight[:, :width] for name, linear in out.items()}


def _linears(backbone: Any, width: int) -> tuple[dict[str, nn.Linear], dict[str, nn.Linear]]:
    """Linear maps into the inner units, and out of them, by name."""
    linears = {name: one for name, one in backbone.named_modules() if isinstance(one, nn.Linear)}
    into = {name: one for name, one in linears.items() if one.out_features == width}
    return into, {name: one for name, one in linears.items() if one.in_features == width}
