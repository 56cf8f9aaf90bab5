"""Drop layers: a shallower encoder from a deep one, without training."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from accord.compression.prune.base import Pruned, Pruner, check_calibration, check_prunable
from accord.compression.prune.calibration import calibration_batches, vector_change
from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.encoders import TextEncoder
from accord.encoders.encode import encode_few

__all__ = ["CHOICES", "Layers", "block_influence", "choose_layers", "drop_layers", "spaced_layers"]

CHOICES = ("vectors", "influence", "spaced", "first")
"""Ways of choosing which layers stay."""
ENOUGH = 256
"""Texts that `vectors` looks at: it encodes them once for each layer that might go, time after time."""


def drop_layers(encoder: TextEncoder, kept: Sequence[int]) -> TextEncoder:
    r"""A copy of which only some layers are left, in their order.

    A layer adds to what comes in, so that the layers around a gap still fit each other, more or less.

    Also known as: layer pruning, depth pruning, layer removal.

    Reference: Sajjad et al. (2023), On the Effect of Dropping Layers of Pre-trained Transformer Models,
    arXiv:2004.03844, section 2; Fan et al. (2020), LayerDrop, arXiv:1909.11556, section 3.2.

    Differs from the paper: nothing is fine-tuned afterwards.

    Args:
        encoder: stays as it is.
        kept: numbers of layers, from 0, in rising order.

    Returns:
        An encoder of `len(kept)` layers.

    Raises:
        InputError: no such layers, or a backbone whose layers are not found.
    """
    check_prunable(encoder, "layers")
    depth = encoder.num_layers
    kept = list(kept)
    if not kept or kept != sorted(set(kept)) or not all(isinstance(n, int) and 0 <= n < depth for n in kept):
        raise InputError(
            f"`kept` must be different layers of 0 to {depth - 1} in rising order, and at least one. Got {kept}."
        )
    config = encoder.backbone.config
    if config.model_type == "modernbert" and kept[0] != 0:
        raise InputError(
            "The first layer of ModernBERT is built otherwise than the rest and has to stay. Keep layer 0."
        )
    smaller = copy.deepcopy(encoder)
    _keep(smaller.backbone, kept)
    return smaller


def _keep(backbone: Any, kept: Sequence[int]) -> None:
    """Keep some layers of a backbone, in place.

    Raises:
        InputError: the layers are not found.
    """
    config = backbone.config
    depth = config.num_hidden_layers
    for owner in backbone.modules():
        for name, child in owner.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == depth:
                setattr(owner, name, nn.ModuleList([child[number] for number in kept]))
                config.num_hidden_layers = len(kept)
                if getattr(config, "layer_types", None):
                    config.layer_types = [config.layer_types[number] for number in kept]
                return
    raise InputError(f"The {depth} layers of {type(backbone).__name__} were not found; none of them can be dropped.")


def spaced_layers(depth: int, count: int) -> list[int]:
    """Evenly spaced layers, first and last among them.

    Reference: Fan et al. (2020), arXiv:1909.11556, section 3.2 ("Every Other"); Sajjad et al. (2023),
    arXiv:2004.03844, section 2.2.

    >>> spaced_layers(6, 3)
    [0, 2, 5]
    >>> spaced_layers(6, 1)
    [0]
    """
    return [int(number) for number in np.linspace(0, depth - 1, count).round()]


def block_influence(encoder: TextEncoder, texts: Sequence[str]) -> list[float]:
    r"""How much each layer turns the token vectors.

    .. math:: \mathrm{BI}_l = 1 - \mathbb{E}\, \cos(h_l, h_{l+1})

    Also known as: layer importance, angular distance of a layer's input and output.

    Reference: Men et al. (2024), ShortGPT, arXiv:2403.03853, eq. 1; compare Gromov et al. (2024), arXiv:2403.17887.

    Args:
        encoder: whose layers.
        texts: to look at.

    Returns:
        One number in [0, 2] a layer; the lowest is missed least.
    """
    check_prunable(encoder, "layers")
    check_calibration(texts, "layers")
    sums, count = torch.zeros(encoder.num_layers, dtype=torch.float64), 0
    with torch.inference_mode():
        for batch in calibration_batches(encoder, texts):
            output = encoder.backbone(
                input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True
            )
            real = batch.attention_mask.bool()
            states = [state[real] for state in output.hidden_states]
            turned = [
                1 - F.cosine_similarity(a, b, dim=-1).double().sum() / len(a) for a, b in itertools.pairwise(states)
            ]
            sums += torch.stack(turned).cpu() * int(real.sum())
            count += int(real.sum())
    return (sums / max(count, 1)).tolist()


def choose_layers(encoder: TextEncoder, count: int, texts: Sequence[str] = (), *, by: str = "vectors") -> list[int]:
    """Which layers to keep.

    `vectors` drops one layer after the other, each time the one without which the vectors of the texts change least;
    `influence` keeps those of the greatest :func:`block_influence`; `spaced` and `first` look at no text.

    Args:
        encoder: whose layers.
        count: how many.
        texts: to calibrate on; `vectors` looks at the first 256.
        by: one of :data:`CHOICES`.

    Returns:
        Numbers of layers in rising order.

    Raises:
        InputError: more layers than there are, or no texts where they are needed.
    """
    check_choice("by", by, CHOICES)
    depth = encoder.num_layers
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count < depth:
        raise InputError(
            f"`layers` must lie in [1, {depth - 1}], as the model has {depth} layers. Got {count!r} instead."
        )
    if by == "first":
        return list(range(count))
    if by == "spaced":
        return spaced_layers(depth, count)
    check_calibration(texts, "layers")
    fixed = {0} if encoder.backbone.config.model_type == "modernbert" else set()
    if by == "influence":
        influence = block_influence(encoder, texts)
        order = sorted(range(depth), key=lambda number: (number not in fixed, -influence[number]))
        return sorted(order[:count])
    texts = list(dict.fromkeys(texts))[:ENOUGH]
    wanted = encode_few(encoder, texts).astype(np.float64)
    kept = list(range(depth))
    while len(kept) > count:
        rest = [[other for other in kept if other != number] for number in kept if number not in fixed]
        kept = min(rest, key=lambda some: vector_change(drop_layers(encoder, some), texts, wanted))
    return kept


class Layers(Pruner):
    """:func:`drop_layers` with a choice of layers.

    Args:
        count: how many to keep; not with `kept`.
        kept: which to keep.
        by: how `count` layers are chosen: one of :data:`CHOICES`.
    """

    def __init__(self, count: int | None = None, *, kept: Sequence[int] | None = None, by: str = "vectors") -> None:
        if (count is None) == (kept is None):
            raise InputError("Give either `count`, how many layers to keep, or `kept`, which ones.")
        check_choice("by", by, CHOICES)
        self.count, self.kept, self.by = count, None if kept is None else list(kept), by

    def prune(self, encoder: TextEncoder, texts: Sequence[str]) -> Pruned:
        """A copy with fewer layers."""
        check_prunable(encoder, "layers")
        kept = self.kept
        if kept is None:
            assert self.count is not None, "checked above"
            kept = choose_layers(encoder, self.count, texts, by=self.by)
        record = {"method": "layers", "of": encoder.num_layers, "kept": kept}
        return Pruned(drop_layers(encoder, kept), record | ({"by": self.by} if self.kept is None else {}))
