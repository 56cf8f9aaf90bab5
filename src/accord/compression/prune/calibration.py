"""Texts through an encoder, in batches of little padding: what the methods of the room calibrate on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from accord.encoders import TextEncoder
from accord.encoders.base import Batch
from accord.encoders.encode import encode_few
from accord.maths.packing import token_batches

__all__ = ["calibration_batches", "observe", "second_moment", "vector_change"]

BATCH_TOKENS = 2048


def calibration_batches(encoder: TextEncoder, texts: Sequence[str]) -> Iterator[Batch]:
    """The texts as padded batches on the encoder's device, longest first; each text once."""
    tokens = encoder.tokenize(list(dict.fromkeys(texts)))
    for rows in token_batches(tokens.ids.lengths, BATCH_TOKENS):
        yield encoder.collate(tokens.ids, rows, prompt_tokens=tokens.prompt_tokens).to(encoder.device)


def observe(
    encoder: TextEncoder, texts: Sequence[str], modules: Sequence[nn.Module], see: Callable[[int, Tensor, Tensor], None]
) -> None:
    """Pass texts through the backbone, and show what goes into some of its modules and what comes out.

    Args:
        encoder: stays as it is.
        texts: each once.
        modules: of one input and one output for each token.
        see: told the number of the module and both, (real tokens, width) each, batch by batch.
    """
    real = torch.empty(0)

    def watch(number: int) -> Callable[..., None]:
        def look(_: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
            see(number, arguments[0][real], output[real])

        return look

    handles = [module.register_forward_hook(watch(number)) for number, module in enumerate(modules)]
    try:
        with torch.inference_mode():
            for batch in calibration_batches(encoder, texts):
                real = batch.attention_mask.bool()
                encoder.backbone(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    finally:
        for handle in handles:
            handle.remove()


def vector_change(encoder: TextEncoder, texts: Sequence[str], wanted: np.ndarray) -> float:
    """One minus the mean cosine of an encoder's vectors to wanted ones; in [0, 2]."""
    found = encode_few(encoder, texts).astype(np.float64)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    return float(1 - ((found * wanted).sum(1) / np.maximum(lengths, 1e-12)).mean())


def second_moment(rows: Tensor) -> Tensor:
    """Sum of outer products of rows (n, dim), in float64: (dim, dim)."""
    wide = rows.detach().to(torch.float64)
    return wide.T @ wide
