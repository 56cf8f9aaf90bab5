"""Recurrent binary codes: a few signs a dimension, each plane of them reading what the planes before it left over."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import (
    Codec,
    FittedCodec,
    blocked_scores,
    settings_of,
    training_vectors,
)  # fmt: skip
from accord.compression.codecs.recurrence import (
    MAPS,
    Lesson,
    code_lengths,
    drawn_rows,
    following_maps,
    learn_maps,
    recurrent_signs,
    rotated_maps,
)
from accord.core.checks import check_at_least, check_positive
from accord.core.errors import InputError
from accord.maths.bit_planes import check_planes, pack_signs, plane_bytes, split_planes, unpack_signs
from accord.maths.hamming import plane_products
from accord.maths.nearest import unit_rows

__all__ = ["FittedRecurrentBinary", "RecurrentBinary"]

BLOCK = 4096
LENGTH = 4
PURPOSE = "the maps of RecurrentBinary"


class FittedRecurrentBinary(FittedCodec):
    r"""Planes of signs, ready to encode.

    A code is p planes of m signs, the heaviest first, each in whole bytes; under "dot" the vector's length follows as a
    float32. As a number, sign i of a code is :math:`c_i = \sum_j 2^{-j} b_{ji}`, which is what codes are compared by;
    what a code stands for is a linear map of its signs, by the length of c.
    """

    kind = "RecurrentBinary"
    bitwise = True

    @property
    def planes(self) -> int:
        """Signs a dimension of the code."""
        return int(self.settings["bits"])

    @property
    def signs(self) -> int:
        """Dimensions of the code: signs of a plane."""
        return int(self.settings["dim"] or self.dim)

    @property
    def code_bytes(self) -> int:
        """Those of the planes, and four of a length under "dot"."""
        return plane_bytes(self.signs, self.planes) + LENGTH * (self.similarity == "dot")

    @cached_property
    def maps(self) -> Mapping[str, np.ndarray]:
        """What was learned, checked; see :mod:`accord.compression.codecs.recurrence`."""
        planes, signs, hidden = self.planes, self.signs, _hidden(self.settings["hidden"], self.dim)
        shapes = {
            "skip": (planes, signs, self.dim), "offset": (planes, signs), "inner": (planes, hidden, self.dim),
            "inner_offset": (planes, hidden), "outer": (planes, signs, hidden),
            "back": (planes - 1, self.dim, signs), "read": (self.dim, planes * signs), "mean": (self.dim,),
        }  # fmt: skip
        return {name: self.array(name, *shapes[name]) for name in MAPS}

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """Planes of signs."""
        vectors = self.ready(vectors)
        codes = np.empty((len(vectors), self.code_bytes), dtype=np.uint8)
        width = plane_bytes(self.signs, self.planes)
        for first in range(0, len(vectors), BLOCK):
            some = slice(first, first + BLOCK)
            units, lengths = _unit(vectors[some], self.similarity)
            planes = recurrent_signs(units, self.maps)
            codes[some, :width] = np.hstack([pack_signs(plane) for plane in planes])
            if self.similarity == "dot":
                codes[some, width:] = lengths.astype("<f4")[:, None].view(np.uint8)
        return codes

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """Sums of what each plane's signs stand for: near the vectors, and a little shorter."""
        codes = self.checked(codes)
        return self._signs(codes) @ self._read.T + self._lengths(codes)[:, None] * self._mean

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with decoded codes, as sums over signs; nothing is decoded.

        Codes may also be those of an older codec that this one was made compatible with.
        """
        queries, codes = self.ready(queries), self.checked(codes)
        scores = blocked_scores(queries @ self._read, codes, self._signs)
        scores += np.outer(queries @ self._mean, self._lengths(codes))
        return scores

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Cosines of codes as numbers, from counts of differing bits; times both lengths under "dot"."""
        queries, codes = self.checked(queries), self.checked(codes)
        width = plane_bytes(self.signs, self.planes)
        scores = plane_products(
            queries[:, :width], codes[:, :width], dim=self.signs, query_planes=self.planes, code_planes=self.planes
        )
        scores *= self._sizes(queries)[:, None]
        scores *= self._sizes(codes)
        return scores / np.float32(self.signs * sum(4.0**-plane for plane in range(self.planes)))

    @cached_property
    def _read(self) -> np.ndarray:
        """(dim, planes * signs): from all signs to a unit vector."""
        return self.maps["read"] / np.float32(self.dim**0.5)

    @property
    def _mean(self) -> np.ndarray:
        return self.maps["mean"] / np.float32(self.dim**0.5)

    def _planes(self, codes: np.ndarray) -> list[np.ndarray]:
        return split_planes(codes[:, : plane_bytes(self.signs, self.planes)], self.signs, self.planes)

    def signs_of(self, codes: UInt8[np.ndarray, "n bytes"]) -> list[np.ndarray]:
        """(n, m) booleans a plane, the heaviest first.

        Raises:
            InputError: codes of another length.
        """
        planes = self._planes(self.checked(codes))
        return [np.unpackbits(each, axis=1, count=self.signs, bitorder="little").view(np.bool_) for each in planes]

    def _signs(self, codes: np.ndarray) -> np.ndarray:
        """(n, planes * signs): what each sign counts, for :attr:`_read`."""
        signs = np.hstack([unpack_signs(plane, self.signs) for plane in self._planes(codes)])
        signs *= self._sizes(codes)[:, None]
        return signs

    def _sizes(self, codes: np.ndarray) -> np.ndarray:
        """Lengths of vectors by those of their codes, (n,) float32."""
        return self._lengths(codes) / code_lengths(self.signs_of(codes))

    def _lengths(self, codes: np.ndarray) -> np.ndarray:
        """Lengths of vectors, 1 under cosine, (n,) float32."""
        if self.similarity == "cosine":
            return np.ones(len(codes), dtype=np.float32)
        return np.ascontiguousarray(codes[:, -LENGTH:]).view("<f4")[:, 0].astype(np.float32)


class RecurrentBinary(Codec):
    r"""Signs in planes, learned so that codes keep the neighbours that vectors have.

    .. math:: b_j = \mathrm{sign}(W_j(f - \hat f_{j-1})), \qquad \hat f_j = \hat f_{j-1} + R_j b_j, \qquad
        c = \sum_{j=0}^{p-1} 2^{-j} b_j

    Learning sees vectors only: by its code, and by what its code stands for, each vector must find the neighbours that
    it has as it is.

    Also known as: BEBR, recurrent binary embedding, residual binarisation.

    Reference: Gan et al. (2023), Binary Embedding-based Retrieval at Tencent, arXiv:2302.08714, section 3.

    Differs from the paper: it starts from a uniform quantiser after a random rotation with the best linear way back,
    which is a good code without any step; the maps back are linear and nothing is brought to unit length on the way,
    so that float queries are compared with codes without decoding them; what a code stands for is held near its
    vector; positives are graded, and hard negatives are neighbours, where the paper has pairs and a queue; a little
    noise keeps few vectors from being learned by heart.

    Args:
        bits: p, planes of signs, from 1 to 8.
        dim: m, signs of a plane; as many as numbers in a vector when None.
        hidden: units of the bent part of each map; a quarter of the vectors' dimension when None, 0 for straight maps.
        steps: of the optimiser; 0 keeps the start.
        batch: vectors a step.
        learning_rate: the largest; lower it where the loss runs away.
        temperature: of the contrast.
        fidelity: weight of the squared distance between a vector and what its code stands for.

    Raises:
        InputError: a value out of range.
    """

    fitted = FittedRecurrentBinary

    def __init__(
        self,
        *,
        bits: int = 2,
        dim: int | None = None,
        hidden: int | None = None,
        steps: int = 600,
        batch: int = 256,
        learning_rate: float = 3e-4,
        temperature: float = 0.05,
        fidelity: float = 2.0,
    ) -> None:
        self.bits = bits
        self.dim = dim
        self.hidden = hidden
        self.steps = steps
        self.batch = batch
        self.learning_rate = learning_rate
        self.temperature = temperature
        self.fidelity = fidelity
        check_planes(bits)
        for name, least in (("steps", 0), ("batch", 2), ("fidelity", 0)):
            check_at_least(name, getattr(self, name), least)
        for name, least in (("dim", 1), ("hidden", 0)):
            if getattr(self, name) is not None:
                check_at_least(name, getattr(self, name), least)
        for name in ("dim", "hidden", "steps", "batch"):
            if not isinstance(getattr(self, name), (int, type(None))):
                raise InputError(f"`{name}` must be a whole number. Got {getattr(self, name)!r} instead.")
        check_positive("learning_rate", learning_rate)
        check_positive("temperature", temperature)

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedRecurrentBinary:
        """Learn maps from the vectors of a corpus; of more than 20,000, so many are drawn.

        Args:
            vectors: at least two.
            similarity: how vectors are compared.
            seed: of the rotation, hidden units, sample and batches.
            made_for: fingerprint of the model.

        Raises:
            InputError: fewer than two vectors, NaN, infinity, zeros under cosine, or a loss that runs away.
        """
        vectors = training_vectors(vectors, similarity, least=2, purpose=PURPOSE)
        units = unit_rows(vectors[drawn_rows(len(vectors), seed)])
        signs = self.dim or units.shape[1]
        start = rotated_maps(units, planes=self.bits, signs=signs, hidden=self._units(units), seed=seed)
        maps = learn_maps(units, start, self._lesson(), seed=seed)
        return FittedRecurrentBinary(
            maps, settings=settings_of(self), dim=units.shape[1], similarity=similarity, made_for=made_for
        )

    def fit_compatible(
        self,
        vectors: Float[np.ndarray, "n dim"],
        *,
        old: FittedRecurrentBinary,
        old_vectors: Float[np.ndarray, "n old"] | None = None,
        weight: float = 1.0,
        seed: int = 0,
        made_for: str = "",
    ) -> FittedRecurrentBinary:
        r"""Learn maps whose codes may be compared with those of an older codec, so that an old index stays.

        .. math:: L + w\,[\mathrm{NCE}(c, c_{\mathrm{old}}) + \mathrm{NCE}(f, \hat f_{\mathrm{old}})]

        The new codec's `scores` and `code_scores` take codes of both kinds. Maps start from what comes nearest to the
        old signs of the same texts.

        Also known as: backward-compatible training, BCT.

        Reference: Gan et al. (2023), arXiv:2302.08714, section 3; Shen et al. (2020), Towards
        Backward-Compatible Representation Learning, arXiv:2003.11942.

        Differs from the paper: the start; float queries are held compatible with old codes, too.

        Args:
            vectors: of the new encoder, or of the same as before.
            old: the codec that the index was made with; of as many bits, and of this `dim` where one is given.
            old_vectors: of the old encoder, row by row of the same texts; `vectors` when None.
            weight: w, at least 0.
            seed: of hidden units, sample and batches.
            made_for: fingerprint of the new model.

        Returns:
            A codec for the new vectors, of the old one's similarity.

        Raises:
            InputError: codes of another size, or vectors that do not pair.
        """
        check_at_least("weight", weight, 0)
        vectors = training_vectors(vectors, old.similarity, least=2, purpose=PURPOSE)
        pairs = vectors if old_vectors is None else np.asarray(old_vectors)
        if len(pairs) != len(vectors):
            raise InputError(f"`old_vectors` must be {len(vectors)}, one a vector. Got {len(pairs)}.")
        if (self.bits, self.dim or old.signs) != (old.planes, old.signs):
            raise InputError(
                f"`old` has codes of {old.planes} bits in {old.signs} dimensions. Got bits={self.bits} and "
                f"dim={self.dim}: only codes of one size can be compared."
            )
        rows = drawn_rows(len(vectors), seed)
        units, known = unit_rows(vectors[rows]), old.signs_of(old.encode(pairs[rows]))
        start = following_maps(units, known, hidden=self._units(units), seed=seed)
        maps = learn_maps(units, start, self._lesson(), seed=seed, older=known, weight=weight)
        return FittedRecurrentBinary(
            maps, settings=settings_of(self) | {"dim": old.signs}, dim=units.shape[1], similarity=old.similarity,
            made_for=made_for,
        )  # fmt: skip

    def _lesson(self) -> Lesson:
        return Lesson(
            steps=self.steps, batch=self.batch, learning_rate=self.learning_rate, temperature=self.temperature,
            fidelity=self.fidelity,
        )  # fmt: skip

    def _units(self, vectors: np.ndarray) -> int:
        return _hidden(self.hidden, vectors.shape[1])


def _hidden(units: Any, dim: int) -> int:
    return dim // 4 if units is None else int(units)


def _unit(vectors: np.ndarray, similarity: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of unit length, and the length that they had; under cosine they have it already."""
    if similarity == "cosine":
        return vectors, np.ones(len(vectors), dtype=np.float32)
    return unit_rows(vectors), np.linalg.norm(vectors, axis=1)
