"""Whether a backbone's tokens see those after them."""

from __future__ import annotations

import numpy as np
import torch

from accord.core.types import Ragged
from accord.encoders.base import Encoder

__all__ = ["attention_direction"]


def attention_direction(encoder: Encoder) -> str:
    """Change the last word and see whether the first hidden state moves: alone in its batch, and beside a longer text.

    A mask that is built only for padded batches makes the two differ.

    Returns:
        "bidirectional", "causal" or "depends on the batch".
    """
    tokens = encoder.tokenize(["one two three four", "one two three five", "one two three four five six seven"])
    short, other, long = (tokens.ids[n] for n in range(3))
    changed = short.copy()
    place = int(np.flatnonzero(short != other)[0]) if len(short) == len(other) and np.any(short != other) else -1
    changed[place] = other[place] if place >= 0 else long[len(short) // 2]
    seen = {_moves(encoder, short, changed, alone=alone, longer=long) for alone in (True, False)}
    if len(seen) == 2:
        return "depends on the batch"
    return "bidirectional" if seen.pop() else "causal"


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
    return bool((first[0] - first[1]).abs().max() > 1e-6)
