"""Which layer a weight belongs to, by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["EMBEDDINGS", "HEAD", "layer_groups"]

EMBEDDINGS, HEAD = "embeddings", "head"
LAYER = re.compile(r"(?:^|\.)(?:layers?|blocks?|h)\.(\d+)\.")
TABLE = re.compile(r"embed|(?:^|\.)(?:table|wte|wpe)(?:\.|$)", re.IGNORECASE)


def layer_groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of weights by group, from the input to the output: embeddings, each layer, and the rest as `head`.

    Args:
        names: of parameters.

    >>> list(layer_groups(["pooler.weight", "encoder.layer.1.out.bias", "embeddings.words.weight"]))
    ['embeddings', 'layer 1', 'head']
    """
    found: dict[tuple[int, str], list[str]] = {}
    for name in names:
        layer = LAYER.search(name)
        if layer is not None:
            place = (int(layer[1]), f"layer {layer[1]}")
        elif TABLE.search(name):
            place = (-1, EMBEDDINGS)
        else:
            place = (10**9, HEAD)
        found.setdefault(place, []).append(name)
    return {group: members for (_, group), members in sorted(found.items())}
