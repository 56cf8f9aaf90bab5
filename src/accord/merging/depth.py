"""How deep in a model a tensor lies, from its name."""

from __future__ import annotations

import re

__all__ = ["depth_of"]

LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")
BEFORE = re.compile(r"(?:^|\.)(?:embed\w*|embeddings?|wte|wpe|shared|tok_embeddings)(?:\.|$)")


def depth_of(name: str, layers: int) -> float:
    """0 in the first layer and before it, 1 in the last and after it.

    Args:
        name: of the tensor.
        layers: of the model.

    >>> [depth_of(f"encoder.layer.{n}.output.dense.weight", 5) for n in range(5)]
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> depth_of("embeddings.word_embeddings.weight", 5), depth_of("pooler.dense.weight", 5)
    (0.0, 1.0)
    """
    found = LAYER.search(name)
    if found is None:
        return 0.0 if BEFORE.search(name) else 1.0
    return 1.0 if layers < 2 else min(int(found[1]) / (layers - 1), 1.0)
