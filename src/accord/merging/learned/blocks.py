"""Which block of parameters a tensor belongs to."""

from __future__ import annotations

import re

__all__ = ["BLOCKS", "block_of"]

BLOCKS = ("tensor", "layer", "model")

LAYER = re.compile(r"^(.*?\.\d+)\.")
"""A name up to its first number between dots: the layer."""


def block_of(name: str, blocks: str) -> str:
    """The block that a tensor is in.

    Args:
        name: of the tensor.
        blocks: "tensor", "layer" or "model". Tensors outside layers are in the block of their module.

    >>> block_of("backbone.encoder.layer.3.output.dense.weight", "layer")
    'backbone.encoder.layer.3'
    >>> block_of("backbone.embeddings.LayerNorm.bias", "layer"), block_of("pooler.bias", "model")
    ('backbone.embeddings', 'all')
    """
    if blocks == "tensor":
        return name
    if blocks == "model":
        return "all"
    found = LAYER.match(name)
    return found.group(1) if found else ".".join(name.split(".")[:2])
