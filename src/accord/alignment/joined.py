"""Several encoders as one: their vectors side by side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.core.types import Encodes
from accord.maths.similarity import similarity

__all__ = ["Joined", "joined"]


def joined(vectors: Sequence[Float[np.ndarray, "n _"]], weights: Sequence[float]) -> Float[np.ndarray, "n dim"]:
    r"""Unit vectors of several encoders side by side, so that dot products are weighted means of their cosines.

    .. math:: x = \bigl[ \sqrt{w_m}\, \hat x_m \bigr]_m, \qquad
              \langle x, y \rangle = \sum_m w_m \cos(x_m, y_m), \qquad \sum_m w_m = 1

    Args:
        vectors: of each encoder, for the same texts.
        weights: w, one an encoder, above zero; divided by their sum.

    Returns:
        (n, sum of the dims), of length 1 where no vector is zero, float32.

    >>> joined([np.array([[3.0, 4.0]]), np.array([[2.0]])], [3, 1]).round(3).tolist()
    [[0.5199999809265137, 0.6930000185966492, 0.5]]
    """
    shares = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    parts = []
    for rows, share in zip(vectors, shares, strict=True):
        wide = np.asarray(rows, dtype=np.float64)
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
        parts.append(np.sqrt(share) * np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0))
    return np.concatenate(parts, axis=1).astype(np.float32)


class Joined:
    """Several encoders as one whose vectors are theirs side by side; see :func:`joined`.

    Its cosine is the weighted mean of theirs, so it is the fusion of their scores in one index; that index holds the
    sum of their dimensions, and each text is encoded by all of them.

    Also known as: concatenated embeddings, embedding ensemble, meta-embeddings.

    Reference: Lin et al. (2023), SPHINX, arXiv:2311.07575 (mixed visual embeddings); Yin & Schütze (2016),
    arXiv:1508.04257 (concatenation with weights).

    Differs from the paper: whole vectors of texts, brought to unit length, and no layer is learned on top of them.

    Args:
        encoders: at least two; anything that encodes queries and documents.
        weights: one an encoder, above zero; equal when not given.

    Raises:
        InputError: fewer than two encoders, or weights that do not fit.
    """

    similarity_name = "cosine"

    def __init__(self, encoders: Sequence[Encodes], weights: Sequence[float] | None = None) -> None:
        if len(encoders) < 2:
            raise InputError(f"`encoders` must be two or more. Got {len(encoders)}.")
        given = np.ones(len(encoders)) if weights is None else np.asarray(weights, dtype=np.float64)
        if given.shape != (len(encoders),) or not (np.isfinite(given) & (given > 0)).all():
            raise InputError(
                f"`weights` must be one number above zero for each of {len(encoders)} encoders. Got {weights!r}."
            )
        self.encoders = encoders
        self.weights = weights
        self._shares = given.tolist()

    def __repr__(self) -> str:
        names = ", ".join(type(one).__name__ for one in self.encoders)
        return f"Joined([{names}], weights={self.weights})"

    @property
    def dims(self) -> tuple[int, ...]:
        """Dimensions of each encoder, in order.

        Raises:
            InputError: an encoder that does not say how many it has.
        """
        for one in self.encoders:
            if not hasattr(one, "dim"):
                raise InputError(f"{type(one).__name__} does not say how many dimensions it has: it lacks `dim`.")
        return tuple(int(one.dim) for one in self.encoders)  # type: ignore[attr-defined]

    @property
    def dim(self) -> int:
        """Dimensions of a vector: the sum of :attr:`dims`."""
        return sum(self.dims)

    def encode(
        self, texts: str | Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for texts in no role, (n, dim) float32; (dim,) for one text."""
        return self._rows("encode", texts, prompt_name, progress)

    def encode_query(
        self, texts: str | Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for queries, each encoder with its own prompt for them."""
        return self._rows("encode_query", texts, prompt_name, progress)

    def encode_document(
        self, texts: str | Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for documents, each encoder with its own prompt for them."""
        return self._rows("encode_document", texts, prompt_name, progress)

    def similarity(self, left: Any, right: Any) -> Tensor:
        """Cosines (n, m): weighted means of the encoders' own."""
        a, b = (torch.as_tensor(np.atleast_2d(np.asarray(side))) for side in (left, right))
        return similarity(a, b)

    def fingerprint(self) -> str:
        """SHA-256 over what decides the vectors: the encoders' own, and the weights.

        Raises:
            InputError: an encoder without a fingerprint.
        """
        for one in self.encoders:
            if not hasattr(one, "fingerprint"):
                raise InputError(f"{type(one).__name__} has no fingerprint.")
        parts = [one.fingerprint() for one in self.encoders]  # type: ignore[attr-defined]
        shares = [share / sum(self._shares) for share in self._shares]
        return hashlib.sha256(json.dumps([parts, shares]).encode()).hexdigest()

    def _rows(
        self, way: str, texts: str | Sequence[str], prompt_name: str | None, progress: Progress | None
    ) -> np.ndarray:
        many = [texts] if isinstance(texts, str) else list(texts)
        found = []
        for one in self.encoders:
            encode: Any = getattr(one, way, one.encode_query)
            found.append(np.asarray(encode(many, prompt_name=prompt_name, progress=progress)))
        rows = joined(found, self._shares)
        return rows[0] if isinstance(texts, str) else rows
