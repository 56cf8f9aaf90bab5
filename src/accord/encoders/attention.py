"""Whether a backbone's tokens see those after them, and whether a switch of that took effect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from accord.core.errors import ModelError
from accord.core.types import Ragged
from accord.encoders.base import Encoder
from accord.encoders.direction import DIRECTIONS, asked_direction, built_causal

__all__ = ["attention_direction", "check_attention"]

TEXTS = ("one two three four", "one two three five", "one two three four five six seven")


def attention_direction(encoder: Encoder) -> str:
    """Change the last word and see whether the first hidden state moves: alone in its batch, and beside a longer text.

    A mask that is built only for padded batches makes the two differ.

    Returns:
        "bidirectional", "causal" or "depends on the batch"; "none" without layers.
    """
    if encoder.num_layers == 0:
        return "none"
    tokens = encoder.tokenize(TEXTS)
    short, other, long = (tokens.ids[n] for n in range(3))
    changed = short.copy()
    places = np.flatnonzero(short != other) if len(short) == len(other) else np.zeros(0, dtype=np.int64)
    if len(places):
        changed[places] = other[places]
    else:
        changed[-1] = next((token for token in long if token != short[-1]), 1 - min(1, short[-1]))
    training = encoder.training
    encoder.train(False)
    try:
        seen = {_moves(encoder, short, changed, alone=alone, longer=long) for alone in (True, False)}
    finally:
        encoder.train(training)
    if len(seen) == 2:
        return "depends on the batch"
    return "bidirectional" if seen.pop() else "causal"


def check_attention(encoder: Encoder, folder: Path, *, asked: str | None, saved: str | None) -> None:
    """Refuse a model whose attention does not run as it was asked to, or as it did when it was saved.

    Looks only where there is something to fear: a switch that was asked for, here or in the model's configuration, or
    layers that look backwards unless told otherwise.

    Args:
        encoder: in evaluation mode.
        folder: where it comes from, for messages.
        asked: "bidirectional", "causal" or None.
        saved: what `accord.json` says, where there is one.

    Raises:
        ModelError: the switch takes no effect, or none on some batches.
    """
    configured = asked_direction(encoder.backbone.config)
    if saved is not None and (saved not in DIRECTIONS or not built_causal(encoder.backbone)):
        saved = None
    wanted = asked or configured or saved
    if wanted is None:
        return
    found = attention_direction(encoder)
    if found == wanted:
        return
    import transformers

    kind = type(encoder.backbone).__name__
    effect = "some batches only" if found == "depends on the batch" else "none"
    why = "`attention` asks for" if asked else "its `config.json` asks for" if configured else "it was saved with"
    raise ModelError(
        f"{folder}: {why} {wanted} attention, and {kind} in transformers {transformers.__version__} gives it on "
        f"{effect}: tried alone and beside a longer text, it is {found}. Only decoders can be switched, by "
        "transformers 5.2 or later. Update it, or load the model without `attention`."
    )


def _moves(encoder: Encoder, a: np.ndarray, b: np.ndarray, *, alone: bool, longer: np.ndarray) -> bool:
    first = []
    for ids in (a, b):
        rows = [ids] if alone else [ids, longer]
        ragged = Ragged.of([row.tolist() for row in rows])
        batch = encoder.collate(ragged, np.arange(len(rows))).to(encoder.device)
        with torch.inference_mode():
            tokens = encoder(batch).tokens
        assert tokens is not None
        first.append(tokens[0, 0].float())
    scale = max(1e-3, float(first[0].abs().max()))
    return bool((first[0] - first[1]).abs().max() > 1e-6 * scale)
