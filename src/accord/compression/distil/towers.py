"""Two towers that score pairs: an encoder, and what compares the vectors of two texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.encoders.static import StaticEncoder
from accord.encoders.text.transformer import TextEncoder
from accord.objectives import PairHead

__all__ = ["Towers"]

BLOCK = 16_384
"""Pairs that are compared at once."""


class Towers:
    """Scores pairs as a cross-encoder does, from one vector a text: every distinct text is encoded once.

    Also known as: two-tower model, siamese network, bi-encoder.

    Reference: Barkan et al. (2020), arXiv:1908.05161, section 3 (the student).

    Args:
        encoder: makes the vectors.
        head: compares them; the cosine where it has no weights, or is not given.
        query_prompt: put before left texts.
        document_prompt: put before right texts.
    """

    def __init__(
        self,
        encoder: TextEncoder | StaticEncoder,
        head: PairHead | None = None,
        *,
        query_prompt: str = "",
        document_prompt: str = "",
    ) -> None:
        self.encoder = encoder
        self.head = PairHead() if head is None else head
        self.query_prompt = query_prompt
        self.document_prompt = document_prompt

    def score(self, left: Sequence[str], right: Sequence[str], *, progress: Progress | None = None) -> np.ndarray:
        """Scores of pairs, in their order.

        Args:
            left: (n) texts.
            right: (n) texts.
            progress: opens bars.

        Returns:
            (n,) float32.

        Raises:
            InputError: sides of unequal length.
        """
        if len(left) != len(right):
            raise InputError(f"`left` and `right` must be of one length. Got {len(left)} and {len(right)}.")
        if not len(left):
            return np.zeros(0, dtype=np.float32)
        sides = [
            self._encoded(texts, prompt, progress)
            for texts, prompt in ((left, self.query_prompt), (right, self.document_prompt))
        ]
        with torch.inference_mode():
            blocks = [
                self.head.scores(torch.from_numpy(np.stack([vectors[rows[k : k + BLOCK]] for vectors, rows in sides])))
                for k in range(0, len(left), BLOCK)
            ]
        return torch.cat(blocks).numpy()

    def _encoded(self, texts: Sequence[str], prompt: str, progress: Progress | None) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of the distinct texts, and the row of each text among them."""
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        vectors = self.encoder.encode(list(numbers), prompt=prompt, progress=progress or silent)
        return vectors, np.fromiter((numbers[text] for text in texts), dtype=np.int64, count=len(texts))
