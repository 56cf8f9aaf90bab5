"""Half-precision numbers: two bytes a dimension."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import Codec, FittedCodec, blocked_scores, settings_of, training_vectors
from accord.core.errors import InputError

__all__ = ["FittedFloat16", "Float16", "float16_codes", "float16_vectors"]

LARGEST = float(np.finfo(np.float16).max)


def float16_codes(vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
    """Vectors as little-endian half-precision numbers.

    Also known as: fp16, half precision, binary16.

    Reference: IEEE 754-2008, section 3.4.

    Args:
        vectors: (n, dim), at most 65,504 in absolute value.

    Returns:
        (n, 2 dim) bytes.

    Raises:
        InputError: a number that half precision cannot hold.

    >>> float16_codes(np.array([[1.0, -2.0]])).tolist()
    [[0, 60, 0, 192]]
    """
    largest = float(np.abs(vectors).max(initial=0.0))
    if largest > LARGEST:
        raise InputError(f"`vectors` must be at most {LARGEST:g} in absolute value for float16. Got {largest:g}.")
    return np.ascontiguousarray(vectors, dtype="<f2").view(np.uint8).reshape(len(vectors), 2 * vectors.shape[1])


def float16_vectors(codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
    """What :func:`float16_codes` wrote, as float32.

    >>> float16_vectors(np.array([[0, 60, 0, 192]], dtype=np.uint8)).tolist()
    [[1.0, -2.0]]
    """
    return np.ascontiguousarray(codes).view("<f2").reshape(len(codes), codes.shape[1] // 2).astype(np.float32)


class FittedFloat16(FittedCodec):
    """Half-precision numbers, ready to encode; its code is :func:`float16_codes`."""

    kind = "Float16"

    @property
    def code_bytes(self) -> int:
        """Two a dimension."""
        return 2 * self.dim

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """Two bytes a dimension."""
        return float16_codes(self.ready(vectors))

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The numbers as float32."""
        return float16_vectors(self.checked(codes))

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with the decoded vectors."""
        return blocked_scores(self.ready(queries), self.checked(codes), float16_vectors)

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of decoded vectors."""
        return blocked_scores(self.decode(queries), self.checked(codes), float16_vectors)


class Float16(Codec):
    """Half-precision numbers: half the bytes, and no search result that changes in practice.

    It learns nothing: :meth:`fit` only notes the dimension and the model.

    Reference: IEEE 754-2008.
    """

    fitted = FittedFloat16

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedFloat16:
        """A codec for vectors of this dimension."""
        del seed
        dim = training_vectors(vectors, similarity).shape[1]
        return FittedFloat16({}, settings=settings_of(self), dim=dim, similarity=similarity, made_for=made_for)
