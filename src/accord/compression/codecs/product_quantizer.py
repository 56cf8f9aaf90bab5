"""A byte for each part of a vector: the number of the nearest of 256 centroids."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import BLOCK, Codec, FittedCodec, blocked_scores, settings_of, training_vectors
from accord.core.checks import check_at_least
from accord.core.errors import InputError, require
from accord.core.random import numpy_generator

__all__ = ["FittedProductQuantizer", "ProductQuantizer", "centroid_vectors", "nearest_centroids"]

CENTROIDS = 256
SAMPLE = 65_536
"""Most vectors that centroids are learned from; more are drawn from."""


def nearest_centroids(
    vectors: Float[np.ndarray, "n dim"], centroids: Float[np.ndarray, "parts 256 width"]
) -> UInt8[np.ndarray, "n parts"]:
    r"""The nearest centroid of each part of each vector.

    .. math:: c_m = \arg\min_k \lVert x^{(m)} - C_{m k} \rVert^2

    Also known as: product quantisation, PQ.

    Reference: Jegou et al. (2011), Product Quantization for Nearest Neighbor Search, TPAMI, section 2.3.

    Args:
        vectors: (n, parts * width); part m is numbers m * width to (m + 1) * width.
        centroids: (parts, up to 256, width).

    Returns:
        (n, parts).

    >>> centroids = np.array([[[0.0], [1.0]], [[5.0], [7.0]]])
    >>> nearest_centroids(np.array([[0.8, 5.5]]), centroids).tolist()
    [[1, 0]]
    """
    parts, _, width = centroids.shape
    codes = np.empty((len(vectors), parts), dtype=np.uint8)
    halves = 0.5 * np.einsum("mkw,mkw->mk", centroids, centroids)
    for first in range(0, len(vectors), BLOCK):
        some = slice(first, first + BLOCK)
        for part in range(parts):
            near = vectors[some, part * width : (part + 1) * width] @ centroids[part].T - halves[part]
            codes[some, part] = near.argmax(axis=1)
    return codes


def centroid_vectors(
    codes: UInt8[np.ndarray, "n parts"], centroids: Float[np.ndarray, "parts 256 width"]
) -> Float[np.ndarray, "n dim"]:
    """The centroids that codes name, side by side.

    >>> centroid_vectors(np.array([[1, 0]]), np.array([[[0.0], [1.0]], [[5.0], [7.0]]])).tolist()
    [[1.0, 5.0]]
    """
    return centroids[np.arange(codes.shape[1]), codes].reshape(len(codes), centroids.shape[0] * centroids.shape[2])


class FittedProductQuantizer(FittedCodec):
    """Centroids, ready to encode; see :func:`nearest_centroids`. Needs no FAISS."""

    kind = "ProductQuantizer"

    @property
    def code_bytes(self) -> int:
        """A byte a part."""
        return int(self.settings["parts"])

    @property
    def centroids(self) -> Float[np.ndarray, "parts 256 width"]:
        """256 for each part."""
        return self.array("centroids", self.code_bytes, CENTROIDS, self.dim // self.code_bytes)

    @property
    def rotation(self) -> Float[np.ndarray, "dim dim"] | None:
        """Columns are the directions that vectors are turned to, with `rotate`."""
        return self.array("rotation", self.dim, self.dim) if self.settings["rotate"] else None

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """The nearest centroid of each part."""
        return nearest_centroids(self._turn(self.ready(vectors)), self.centroids)

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The centroids, side by side."""
        vectors = centroid_vectors(self.checked(codes), self.centroids)
        return vectors if self.rotation is None else vectors @ self.rotation.T

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with the decoded vectors."""
        return self._scores(self._turn(self.ready(queries)), self.checked(codes))

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of decoded vectors."""
        return self._scores(centroid_vectors(self.checked(queries), self.centroids), self.checked(codes))

    def _scores(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        return blocked_scores(queries, codes, functools.partial(centroid_vectors, centroids=self.centroids))

    def _turn(self, vectors: np.ndarray) -> np.ndarray:
        return vectors if self.rotation is None else vectors @ self.rotation


class ProductQuantizer(Codec):
    """A byte for each part of a vector, with 256 centroids a part, learned by FAISS.

    Reference: Jegou et al. (2011), Product Quantization for Nearest Neighbor Search, TPAMI; Ge et al. (2013),
    Optimized Product Quantization, CVPR, for `rotate`.

    Args:
        parts: bytes of a code; the dimension must be a multiple of it.
        rotate: learn a rotation that spreads over the parts what there is to tell; costs some minutes and a
            product with a (dim, dim) matrix a vector.

    Raises:
        InputError: parts below 1.
    """

    fitted = FittedProductQuantizer

    def __init__(self, *, parts: int = 48, rotate: bool = False) -> None:
        check_at_least("parts", parts, 1)
        if not isinstance(parts, int):
            raise InputError(f"`parts` must be a whole number. Got {parts!r} instead.")
        self.parts = parts
        self.rotate = rotate

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedProductQuantizer:
        """Learn centroids, and the rotation where it is asked for.

        Raises:
            InputError: fewer vectors than centroids, or a dimension that the parts do not divide.
            MissingExtra: FAISS is not installed.
        """
        vectors = training_vectors(vectors, similarity, least=CENTROIDS, purpose=f"{CENTROIDS} centroids a part")
        dim = vectors.shape[1]
        if dim % self.parts:
            raise InputError(f"`parts` must divide the dimension, which is {dim}. Got {self.parts} instead.")
        faiss = require("faiss", extra="search", purpose="Learning a ProductQuantizer")
        if len(vectors) > SAMPLE:
            vectors = vectors[np.sort(numpy_generator(seed, "centroids").permutation(len(vectors))[:SAMPLE])]
        arrays: dict[str, np.ndarray] = {}
        if self.rotate:
            arrays["rotation"] = _rotation(faiss, vectors, self.parts)
            vectors = vectors @ arrays["rotation"]
        arrays["centroids"] = _centroids(faiss, vectors, self.parts, seed)
        return FittedProductQuantizer(
            arrays, settings=settings_of(self), dim=dim, similarity=similarity, made_for=made_for
        )


def _centroids(faiss: Any, vectors: np.ndarray, parts: int, seed: int) -> np.ndarray:
    quantizer = faiss.ProductQuantizer(vectors.shape[1], parts, 8)
    quantizer.cp.seed = seed
    quantizer.cp.min_points_per_centroid = 1
    quantizer.train(np.ascontiguousarray(vectors))
    found = faiss.vector_to_array(quantizer.centroids)
    return found.reshape(parts, CENTROIDS, vectors.shape[1] // parts).copy()


def _rotation(faiss: Any, vectors: np.ndarray, parts: int) -> np.ndarray:
    """(dim, dim); FAISS keeps its transpose."""
    turn = faiss.OPQMatrix(vectors.shape[1], parts)
    turn.train(np.ascontiguousarray(vectors))
    return faiss.vector_to_array(turn.A).reshape(vectors.shape[1], vectors.shape[1]).T.copy()
