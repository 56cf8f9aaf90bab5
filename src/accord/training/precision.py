"""Which number format the forward pass computes in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

__all__ = ["autocast", "native_bfloat16"]


def native_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are native on this device, hence faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


def autocast(precision: str, device: torch.device) -> Callable[[], AbstractContextManager]:
    """A context for forward passes: bfloat16 products for "bfloat16", and for "auto" where they are native.

    Weights, gradients and losses stay in float32.
    """
    if precision == "bfloat16" or (precision == "auto" and native_bfloat16(device)):
        return lambda: torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext
