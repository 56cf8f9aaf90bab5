"""One transformer as an encoder and as a cross-encoder: its weights handed from one form to the other."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from accord.core.errors import InputError
from accord.encoders.pairs import CrossEncoder, create
from accord.encoders.text.transformer import TextEncoder

__all__ = ["as_cross_encoder", "take_backbone"]

POOLER = "pooler."


def as_cross_encoder(encoder: TextEncoder, *, seed: int = 0, max_length: int | None = None) -> CrossEncoder:
    """A cross-encoder that starts from an encoder's weights, with a fresh head of one score.

    Reference: Liu et al. (2022), Trans-Encoder, arXiv:2109.13059, section 2 (from bi- to cross-encoder).

    Args:
        encoder: its pooling and heads are left behind.
        seed: of the head.
        max_length: tokens kept of a pair; what the backbone can read when not given.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "encoder"
        encoder.save(path)
        return create(path, seed=seed, device=encoder.device, max_length=max_length)


def take_backbone(encoder: TextEncoder, cross: CrossEncoder) -> None:
    """Give an encoder the weights of a cross-encoder's transformer, in place; pooling and heads stay its own.

    Reference: Liu et al. (2022), Trans-Encoder, arXiv:2109.13059, section 2 (from cross- to bi-encoder).

    Args:
        encoder: of the same architecture and vocabulary.
        cross: its head is left behind.

    Raises:
        InputError: transformers of different shapes.
    """
    given = _trunk(cross).state_dict()
    wanted = encoder.backbone.state_dict()
    for name, tensor in wanted.items():
        if name not in given and name.startswith(POOLER):
            continue  # pairs are read from it, and these have none; texts are not
        if name not in given or given[name].shape != tensor.shape:
            found = "is missing" if name not in given else f"is {_shape(given[name])}, not {_shape(tensor)}"
            raise InputError(
                f"The cross-encoder's transformer is not the encoder's: `{name}` {found}. Take two forms of one model."
            )
    with torch.no_grad():
        for name, tensor in wanted.items():
            if name in given:
                tensor.copy_(given[name])


def _trunk(cross: CrossEncoder) -> nn.Module:
    """The transformer below the head."""
    backbone: Any = cross.backbone
    return getattr(backbone, backbone.base_model_prefix)


def _shape(tensor: Tensor) -> str:
    return "x".join(str(size) for size in tensor.shape)
