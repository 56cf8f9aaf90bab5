"""Random numbers by place: the number of an element depends on some words and on where the element stands, only.

So a tensor may be cut into pieces, or its pieces be visited in any order or at once, and each element draws the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["element_bits", "element_uniforms"]


def element_bits(words: Sequence[str | int], first: int, count: int) -> np.ndarray:
    """Thirty-two random bits for each of some elements.

    The words are hashed (SHA-256) into the state of a PCG64 generator, which can jump to any place of its sequence.

    Reference: O'Neill (2014), PCG, HMC-CS-2014-0905; the jump is Brown (1994), Random number generation with arbitrary
    strides.

    Args:
        words: what the numbers depend on, such as a seed, the number of a model and the name of a tensor.
        first: number of the first element, at least 0.
        count: how many.

    Returns:
        (count,) uint32.

    >>> whole = element_bits([7, "layer.0"], 0, 5)
    >>> bool((element_bits([7, "layer.0"], 3, 2) == whole[3:]).all())
    True
    """
    key = hashlib.sha256("\0".join(str(word) for word in words).encode()).digest()
    generator = np.random.PCG64(np.random.SeedSequence(np.frombuffer(key, dtype="<u4").tolist()))
    start, skipped = divmod(first, 2)
    generator.advance(start)
    drawn = np.asarray(generator.random_raw((count + skipped + 1) // 2), dtype="<u8")
    return drawn.view("<u4")[skipped : skipped + count]


def element_uniforms(words: Sequence[str | int], first: int, count: int) -> Tensor:
    """Uniform numbers in [0, 1) for some elements: the upper 24 bits of :func:`element_bits`.

    Args:
        words: what the numbers depend on.
        first: number of the first element.
        count: how many.

    Returns:
        (count,) float32 in [0, 1).

    >>> u = element_uniforms([0, "w"], 0, 100_000)
    >>> abs(float(u.mean()) - 0.5) < 0.01, float(u.max()) < 1
    (True, True)
    """
    return torch.from_numpy((element_bits(words, first, count) >> np.uint32(8)).astype(np.float32)).mul_(2.0**-24)
