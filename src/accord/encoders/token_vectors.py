"""Token vectors of texts, from an encoder as it is, kept for heads that read tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.encoders.base import check_texts
from accord.maths.packing import token_batches

__all__ = ["TokenVectors", "token_vectors"]

BATCH_TOKENS = 2048


@dataclass(frozen=True)
class TokenVectors:
    """Vectors of the tokens of some texts, one text after the other.

    Args:
        values: (tokens, width) float16.
        offsets: (texts + 1,) where each text begins.
    """

    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def batch(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Some texts, padded: (batch, length, width) float32 vectors, and a mask that is True where a token is real."""
        lengths = np.diff(self.offsets)[rows]
        mask = np.arange(int(lengths.max(initial=1)))[None, :] < lengths[:, None]
        padded = np.zeros((*mask.shape, self.values.shape[1]), dtype=np.float32)
        padded[mask] = np.concatenate([self.values[self.offsets[row] : self.offsets[row + 1]] for row in rows])
        return torch.from_numpy(padded), torch.from_numpy(mask)


def token_vectors(encoder: Any, texts: Sequence[str], *, prompt: str = "") -> TokenVectors:
    """Vectors of the last layer for all tokens of all texts, special tokens included.

    Args:
        encoder: a :class:`~accord.encoders.TextEncoder`; it is not changed.
        texts: some.
        prompt: put before each.

    Returns:
        Two bytes a number: 20 tokens of 384 numbers are 15 kB a text.

    Raises:
        InputError: something that is no text, or an encoder that has no vectors of tokens in their context.
    """
    check_texts(texts)
    if not hasattr(encoder, "layer_mix"):
        raise InputError(
            f"{type(encoder).__name__} does not read tokens in their context, so there is nothing to attend to. Take a "
            "transformer."
        )
    tokens = encoder.tokenize(list(texts), prompt=prompt)
    offsets = tokens.ids.offsets
    values = np.empty((int(offsets[-1]), encoder.backbone.config.hidden_size), dtype=np.float16)
    training = encoder.training
    encoder.eval()
    try:
        with torch.inference_mode():
            for rows in token_batches(tokens.ids.lengths, BATCH_TOKENS):
                batch = encoder.collate(tokens.ids, rows, prompt_tokens=tokens.prompt_tokens).to(encoder.device)
                found = encoder(batch).tokens.float().cpu().numpy()
                for place, row in enumerate(rows.tolist()):
                    values[offsets[row] : offsets[row + 1]] = found[place, : tokens.ids.lengths[row]]
    finally:
        encoder.train(training)
    return TokenVectors(values, offsets)
