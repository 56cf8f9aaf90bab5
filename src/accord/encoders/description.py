"""What is stored beside a model in plain words, so that a later change can be named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accord.encoders.attention import attention_direction
from accord.encoders.base import Encoder
from accord.encoders.fingerprint import identity

__all__ = ["describe", "number_type"]


def describe(encoder: Encoder, folder: Path) -> dict[str, Any]:
    """Settings, the direction of attention, and the type of the numbers in the weights file."""
    return {**identity(encoder), "attention": attention_direction(encoder), "dtype": number_type(folder)}


def number_type(folder: Path) -> str:
    """The type of the first weight of a folder, as safetensors calls it; "sharded" where there are several files."""
    from safetensors import safe_open

    path = folder / "model.safetensors"
    if not path.is_file():
        return "sharded"
    with safe_open(path, framework="np") as weights:
        return weights.get_slice(sorted(weights.keys())[0]).get_dtype()
