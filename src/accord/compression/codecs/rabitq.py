"""Codes of a random rotation whose dot products have the right mean: a few bits a dimension and two numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import Codec, FittedCodec, blocked_scores, settings_of, training_vectors
from accord.core.errors import InputError
from accord.maths.bit_planes import MOST, plane_bytes, plane_codes, plane_levels
from accord.maths.rotation import random_rotation

__all__ = ["FittedRaBitQ", "RaBitQ", "rabitq_codes"]

STEPS = (1.596, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041, 0.0569, 0.0308)
"""Best distance of two levels for a normal variable of deviation 1, by bits (Max 1960, table II)."""
TRIED = np.linspace(0.8, 1.25, 7)
TAIL = np.dtype([("length", "<f4"), ("factor", "<f4")])


def rabitq_codes(
    turned: Float[np.ndarray, "n dim"], bits: int = 1
) -> tuple[UInt8[np.ndarray, "n bytes"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    r"""Codes of vectors that were centred and turned, with what makes their dot products right on average.

    .. math:: v = \mathrm{levels}(t\,y), \qquad f = \frac{\lVert y \rVert^2}{\langle y, v \rangle}, \qquad
        \langle q, y \rangle \approx f \langle q, v \rangle

    v holds sums of signs (:func:`accord.maths.bit_planes.plane_codes`); t is tried over 7 values, and the one where v
    points nearest to y is kept. With one bit, v is the sign and needs no t; then
    :math:`f = \lVert y \rVert / (\sqrt m \langle o, \bar o \rangle)` in the paper's words.

    Also known as: RaBitQ; extended RaBitQ for more than one bit.

    Reference: Gao & Long (2024), RaBitQ, arXiv:2405.12497, section 3; Gao et al. (2024), arXiv:2409.09913, for more
    bits.

    Differs from the paper: one centre for all vectors, t from a grid and not from an exact enumeration, and queries
    stay floats.

    Args:
        turned: y, (n, dim).
        bits: a dimension, from 1 to 8.

    Returns:
        Packed planes, the lengths of y, and the factors f; a zero vector has length and factor 0.

    Raises:
        InputError: bits out of range.

    >>> codes, lengths, factors = rabitq_codes(np.array([[3.0, -4.0]]))
    >>> codes.tolist(), lengths.tolist(), factors.round(3).tolist()
    ([[1]], [5.0], [3.571])
    """
    turned = np.asarray(turned, dtype=np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", turned, turned, dtype=np.float64))
    spread = np.where(lengths > 0, lengths, 1.0)[:, None] / np.sqrt(turned.shape[1])
    best, nearest, agreement = None, np.full(len(turned), -np.inf), np.zeros(len(turned))
    for stretch in (1.0,) if bits == 1 else TRIED:
        tried = plane_codes(turned / spread * (stretch * 2.0 ** (2 - bits) / STEPS[bits - 1]), bits)
        levels = plane_levels(tried, turned.shape[1], bits)
        product = np.einsum("nd,nd->n", levels, turned)
        near = product / np.sqrt(np.einsum("nd,nd->n", levels, levels))
        better = near > nearest
        best = tried if best is None else np.where(better[:, None], tried, best)
        nearest, agreement = np.where(better, near, nearest), np.where(better, product, agreement)
    assert best is not None
    factors = np.divide(lengths**2, agreement, out=np.zeros_like(lengths), where=(lengths > 0) & (agreement > 0))
    return best, lengths, factors


class FittedRaBitQ(FittedCodec):
    """Codes of turned vectors with two numbers each, ready to encode; see :func:`rabitq_codes`."""

    kind = "RaBitQ"

    @property
    def bits(self) -> int:
        """Bits a dimension."""
        return int(self.settings["bits"])

    @property
    def code_bytes(self) -> int:
        """The planes, and two float32 numbers."""
        return plane_bytes(self.dim, self.bits) + TAIL.itemsize

    @property
    def centre(self) -> Float[np.ndarray, " dim"]:
        """What is taken off every vector."""
        return self.array("centre", self.dim)

    @property
    def rotation(self) -> Float[np.ndarray, "dim dim"]:
        """Columns are the directions that vectors are turned to."""
        return self.array("rotation", self.dim, self.dim)

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """Planes of signs, then the length of the centred vector, then its factor."""
        moved = (self.ready(vectors) - self.centre).astype(np.float64)  # so that no product's last bit tips a code
        planes, lengths, factors = rabitq_codes(moved @ self.rotation.astype(np.float64), self.bits)
        tail = np.empty(len(planes), dtype=TAIL)
        tail["length"], tail["factor"] = lengths, factors
        return np.hstack([planes, tail.view(np.uint8).reshape(len(planes), TAIL.itemsize)])

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """Vectors whose dot products are right on average; longer than those that were encoded."""
        return self._turned(self.checked(codes)) @ self.rotation.T + self.centre

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Estimates of the queries' dot products with the vectors, without bias over rotations."""
        return self._scores(self.ready(queries), self.checked(codes))

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of decoded vectors."""
        return self._scores(self.decode(queries), self.checked(codes))

    def _scores(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        scores = blocked_scores(queries @ self.rotation, codes, self._turned)
        scores += (queries @ self.centre)[:, None]
        return scores

    def _turned(self, codes: np.ndarray) -> np.ndarray:
        planes, tail = codes[:, : -TAIL.itemsize], np.ascontiguousarray(codes[:, -TAIL.itemsize :]).view(TAIL)
        return plane_levels(planes, self.dim, self.bits) * tail["factor"]


class RaBitQ(Codec):
    """Signs, or a few bits, of each number after a random rotation, with a factor that makes scores right on average.

    Each code carries eight bytes beside its bits.

    Reference: Gao & Long (2024), RaBitQ, arXiv:2405.12497.

    Args:
        bits: a dimension, from 1 to 8.

    Raises:
        InputError: bits out of range.
    """

    fitted = FittedRaBitQ

    def __init__(self, *, bits: int = 1) -> None:
        if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= MOST:
            raise InputError(f"`bits` must be a whole number from 1 to {MOST}. Got {bits!r} instead.")
        self.bits = bits

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedRaBitQ:
        """Take the mean of the vectors, and draw the rotation."""
        vectors = training_vectors(vectors, similarity)
        dim = vectors.shape[1]
        centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        return FittedRaBitQ(
            {"centre": centre, "rotation": random_rotation(dim, dim, seed=seed)},
            settings=settings_of(self), dim=dim, similarity=similarity, made_for=made_for,
        )  # fmt: skip
