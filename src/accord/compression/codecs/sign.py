"""One bit a dimension: the sign."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import Codec, FittedCodec, blocked_scores, settings_of, training_vectors
from accord.maths.bit_planes import pack_signs, plane_bytes, unpack_signs
from accord.maths.hamming import plane_products

__all__ = ["FittedSign", "Sign", "sign_scale"]


def sign_scale(vectors: Float[np.ndarray, "n dim"]) -> float:
    r"""The length of a step that brings signs nearest to the vectors that they come from.

    .. math:: s = \arg\min_s \sum_x \lVert x - s\,\mathrm{sign}(x) \rVert^2
        = \frac{1}{n m} \sum_x \sum_d \lvert x_d \rvert

    Also known as: binary quantisation, sign quantisation.

    Reference: Charikar (2002), Similarity Estimation Techniques from Rounding Algorithms, STOC, section 3, for signs;
    Rastegari et al. (2016), XNOR-Net, arXiv:1603.05279, eq. 6, for the scale.

    Differs from the paper: signs of the coordinates themselves, not of random directions; one scale for all vectors.

    Args:
        vectors: (n, dim).

    >>> sign_scale(np.array([[1.0, -3.0]]))
    2.0
    """
    return float(np.abs(vectors).mean(dtype=np.float64))


class FittedSign(FittedCodec):
    """Signs, ready to encode; scale as of :func:`sign_scale`, bits as of :func:`accord.maths.bit_planes.pack_signs`."""

    kind = "Sign"
    bitwise = True

    @property
    def code_bytes(self) -> int:
        """A bit a dimension."""
        return plane_bytes(self.dim)

    @property
    def scale(self) -> float:
        """What a sign stands for."""
        return float(self.array("scale", 1)[0])

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """1 for each number above zero."""
        return pack_signs(self.ready(vectors))

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The scale with each sign."""
        return unpack_signs(self.checked(codes), self.dim) * np.float32(self.scale)

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with the decoded vectors."""
        queries = self.ready(queries) * np.float32(self.scale)
        return blocked_scores(queries, self.checked(codes), lambda some: unpack_signs(some, self.dim))

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of decoded vectors, from the number of differing bits."""
        scores = plane_products(self.checked(queries), self.checked(codes), dim=self.dim, query_planes=1, code_planes=1)
        return scores * np.float32(self.scale**2)


class Sign(Codec):
    """The sign of each number, 1/32 of float32; lengths of vectors are lost.

    Good where every dimension carries about as much as any other and is centred; else see `RotatedSign`.

    Reference: Charikar (2002), Similarity Estimation Techniques from Rounding Algorithms, STOC.
    """

    fitted = FittedSign

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedSign:
        """Read the scale from the vectors."""
        del seed
        vectors = training_vectors(vectors, similarity)
        return FittedSign(
            {"scale": np.array([sign_scale(vectors)], dtype=np.float32)},
            settings=settings_of(self), dim=vectors.shape[1], similarity=similarity, made_for=made_for,
        )  # fmt: skip
