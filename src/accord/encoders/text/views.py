"""Views of a transformer: what an earlier layer gives, and the smaller model that gives just that."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from torch import Tensor

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders.heads import Dense
from accord.encoders.layer_mix import LayerMix
from accord.encoders.text.layers import cut_layers, final_norm
from accord.encoders.text.widths import cut_width

__all__ = ["check_view", "cut", "layer_tokens"]

T = TypeVar("T", bound=Any)


def check_view(encoder: Any, view: View) -> None:
    """Refuse a view that an encoder does not have.

    Raises:
        InputError: naming the layer, dimension or aspect, and what there is.
    """
    if view.layer is not None and not 0 <= view.layer <= encoder.num_layers:
        raise InputError(f"`layer` must lie in [0, {encoder.num_layers}]. Got {view.layer} instead.")
    if view.dim is not None and not 1 <= view.dim <= encoder.dim:
        raise InputError(f"`dim` must lie in [1, {encoder.dim}]. Got {view.dim} instead.")
    if view.aspect:
        raise InputError(f"This encoder has no aspects. Got {view.aspect!r}.")
    if view.width is not None and encoder.inner_width is None:
        raise InputError(f"The feed-forward parts of this encoder were not found. Leave `width` out ({view.width}).")
    if view.width is not None and not 1 <= view.width <= encoder.inner_width:
        raise InputError(f"`width` must lie in [1, {encoder.inner_width}]. Got {view.width} instead.")


def layer_tokens(backbone: Any, output: Any, layer: int | None, mix: LayerMix | None) -> Tensor:
    """Token vectors after some layers, as the backbone cut there would give them.

    Args:
        backbone: whose last normalisation is applied after an earlier layer too.
        output: of its forward pass, with hidden states where `layer` or `mix` asks for them.
        layer: how many layers; None for all.
        mix: averages the layers up to there, where the encoder has one.
    """
    if layer is None:
        return output.last_hidden_state if mix is None else mix(output.hidden_states)
    last = final_norm(backbone)(output.hidden_states[layer])
    return last if mix is None else mix([*output.hidden_states[:layer], last])


def cut(encoder: T, view: View) -> T:
    """A copy of an encoder that is `view` of it; see :meth:`accord.encoders.TextEncoder.cut`."""
    check_view(encoder, view)
    smaller = copy.deepcopy(encoder)
    if view.layer is not None and view.layer < encoder.num_layers:
        cut_layers(smaller.backbone, view.layer)
        if smaller.layer_mix is not None:
            smaller.layer_mix = smaller.layer_mix.cut(view.layer)
    if view.width is not None and view.width < encoder.inner_width:
        cut_width(smaller.backbone, view.width)
    if view.dim is not None and view.dim < encoder.dim:
        place = len(encoder.heads) - encoder.normalizes
        smaller.heads.insert(place, Dense.identity(encoder.dim, view.dim).to(encoder.device))
        if "texts" in smaller.token_heads:
            del smaller.token_heads["texts"]  # it reads vectors of the former size
    return smaller
