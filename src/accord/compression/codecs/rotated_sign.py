"""Signs after a random rotation: as many bits as one likes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import Codec, FittedCodec, blocked_scores, settings_of, training_vectors
from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.maths.bit_planes import pack_signs, plane_bytes, unpack_signs
from accord.maths.hamming import plane_products
from accord.maths.rotation import random_rotation

__all__ = ["FittedRotatedSign", "RotatedSign", "rotated_scale"]


def rotated_scale(vectors: Float[np.ndarray, "n dim"], rotation: Float[np.ndarray, "dim bits"]) -> float:
    r"""The length of a step that brings signs of turned vectors, turned back, nearest to the vectors.

    .. math:: s = \frac{\sum_x \langle x, P b_x \rangle}{\sum_x \lVert P b_x \rVert^2},
        \qquad b_x = \mathrm{sign}(P^\top x)

    Also known as: random hyperplanes, SimHash; super-bit hashing.

    Reference: Charikar (2002), Similarity Estimation Techniques from Rounding Algorithms, STOC, section 3; Ji et al.
    (2012), Super-Bit Locality-Sensitive Hashing, NeurIPS.

    Differs from the paper: queries stay floats, so that scores are dot products and not collision counts.

    Args:
        vectors: (n, dim).
        rotation: P, columns of length 1.

    >>> rotated_scale(np.array([[1.0, -3.0]]), np.eye(2))
    2.0
    """
    turned = vectors @ rotation
    back = np.where(turned > 0, 1.0, -1.0) @ rotation.T
    return float((np.abs(turned).sum(dtype=np.float64)) / np.square(back).sum(dtype=np.float64))


class FittedRotatedSign(FittedCodec):
    """Signs of turned vectors, ready to encode; see :func:`rotated_scale`."""

    kind = "RotatedSign"
    bitwise = True

    @property
    def bits(self) -> int:
        """Signs in a code."""
        given = self.settings.get("bits")
        return self.dim if given is None else int(given)

    @property
    def code_bytes(self) -> int:
        """A bit a sign."""
        return plane_bytes(self.bits)

    @property
    def rotation(self) -> Float[np.ndarray, "dim bits"]:
        """Columns are the directions whose signs are kept."""
        return self.array("rotation", self.dim, self.bits)

    @property
    def scale(self) -> float:
        """What a sign stands for."""
        return float(self.array("scale", 1)[0])

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """1 for each direction that a vector points along."""
        return pack_signs(self.ready(vectors) @ self.rotation)

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The sum of the directions with their signs, scaled."""
        return unpack_signs(self.checked(codes), self.bits) @ self.rotation.T * np.float32(self.scale)

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with the decoded vectors; the queries are turned, not the codes."""
        turned = self.ready(queries) @ self.rotation * np.float32(self.scale)
        return blocked_scores(turned, self.checked(codes), lambda some: unpack_signs(some, self.bits))

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Cosines that the share of differing bits stands for, times the square of the scale and the bits."""
        scores = plane_products(
            self.checked(queries), self.checked(codes), dim=self.bits, query_planes=1, code_planes=1
        )
        return scores * np.float32(self.scale**2)


class RotatedSign(Codec):
    """Signs of a vector along random directions: every bit says as much as any other, and there may be any number.

    Reference: Charikar (2002), Similarity Estimation Techniques from Rounding Algorithms, STOC; Ji et al. (2012),
    Super-Bit Locality-Sensitive Hashing, NeurIPS.

    Args:
        bits: signs in a code; as many as a vector has dimensions when None.

    Raises:
        InputError: bits below 1.
    """

    fitted = FittedRotatedSign

    def __init__(self, *, bits: int | None = None) -> None:
        if bits is not None:
            check_at_least("bits", bits, 1)
            if not isinstance(bits, int):
                raise InputError(f"`bits` must be a whole number. Got {bits!r} instead.")
        self.bits = bits

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedRotatedSign:
        """Draw the rotation, and read the scale from the vectors."""
        vectors = training_vectors(vectors, similarity)
        dim = vectors.shape[1]
        rotation = random_rotation(dim, dim if self.bits is None else self.bits, seed=seed)
        scale = np.array([rotated_scale(vectors, rotation)], dtype=np.float32)
        return FittedRotatedSign(
            {"rotation": rotation, "scale": scale},
            settings=settings_of(self), dim=dim, similarity=similarity, made_for=made_for,
        )  # fmt: skip
