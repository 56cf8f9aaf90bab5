"""Randomness that depends on names, never on order: every stream is keyed by a seed and words."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["derive", "numpy_generator", "torch_generator", "unit_hash"]


def derive(seed: int, *words: object) -> int:
    """A 63-bit seed from a seed and words; equal on every machine.

    >>> derive(0, "dropout", 3) == derive(0, "dropout", 3), derive(0, "a", "bc") == derive(0, "ab", "c")
    (True, False)
    """
    text = "\x1f".join([str(seed), *map(str, words)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def numpy_generator(seed: int, *words: object) -> np.random.Generator:
    """A counter-based numpy generator for this seed and these words."""
    return np.random.Generator(np.random.Philox(derive(seed, *words)))


def torch_generator(seed: int, *words: object) -> torch.Generator:
    """A torch generator on the CPU for this seed and these words."""
    import torch

    return torch.Generator().manual_seed(derive(seed, *words))


def unit_hash(seed: int, *words: object) -> float:
    """A number in [0, 1) that depends on the seed and the words alone: a stable coin for splits.

    >>> 0.0 <= unit_hash(0, "module", "json.decoder") < 1.0
    True
    """
    return derive(seed, *words) / 2**63
