"""One byte a dimension, over the range that each dimension has."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from jaxtyping import Int8 as Int8Array

from accord.compression.codecs.base import Codec, FittedCodec, blocked_scores, settings_of, training_vectors
from accord.core.checks import check_fraction
from accord.core.errors import InputError

__all__ = ["FittedInt8", "Int8", "int8_codes", "int8_ranges", "int8_vectors"]

LEVELS = 127


def int8_ranges(
    vectors: Float[np.ndarray, "n dim"], *, tail: float = 0.0005
) -> tuple[Float[np.ndarray, " dim"], Float[np.ndarray, " dim"]]:
    r"""The middle and the step of each dimension, so that its quantiles lie at the outermost levels.

    .. math:: m_d = \tfrac12 (h_d + l_d), \qquad s_d = \frac{h_d - l_d}{254}

    where :math:`l_d` and :math:`h_d` are the quantiles at `tail` and 1 - `tail` of dimension d.

    Args:
        vectors: (n, dim) to calibrate on.
        tail: share of values beyond the range on each side, in [0, 0.5).

    Returns:
        Middle and step, (dim,) float32 each; a dimension that never varies has step 1.

    Raises:
        InputError: a `tail` that leaves no range.

    >>> middle, step = int8_ranges(np.array([[-1.0, 3.0], [1.0, 3.0]]), tail=0.0)
    >>> middle.tolist(), (254 * step).tolist()
    ([0.0, 3.0], [2.0, 254.0])
    """
    check_fraction("tail", tail)
    if tail >= 0.5:
        raise InputError(f"`tail` must be below 0.5, so that a range is left. Got {tail!r} instead.")
    low, high = np.quantile(np.asarray(vectors, dtype=np.float64), [tail, 1 - tail], axis=0)
    step = (high - low) / (2 * LEVELS)
    return ((high + low) / 2).astype(np.float32), np.where(step > 0, step, 1.0).astype(np.float32)


def int8_codes(
    vectors: Float[np.ndarray, "n dim"], middle: Float[np.ndarray, " dim"], step: Float[np.ndarray, " dim"]
) -> Int8Array[np.ndarray, "n dim"]:
    r"""The nearest level of each number; what lies beyond the range becomes the outermost level.

    .. math:: c = \min\bigl(127, \max(-127, \mathrm{round}((x - m_d) / s_d))\bigr)

    Also known as: scalar quantisation, SQ8.

    Reference: Jacob et al. (2018), Quantization and Training of Neural Networks, CVPR, section 2.1.

    Differs from the paper: levels are symmetric about the middle of the range, so -128 is never used.

    Args:
        vectors: (n, dim).
        middle: (dim,).
        step: (dim,), positive.

    Returns:
        (n, dim) in [-127, 127].

    >>> int8_codes(np.array([[0.5, -9.0]]), np.zeros(2), np.array([0.1, 0.01])).tolist()
    [[5, -127]]
    """
    levels = np.rint((np.asarray(vectors, dtype=np.float32) - middle) / step)
    return np.clip(levels, -LEVELS, LEVELS).astype(np.int8)


def int8_vectors(
    codes: Int8Array[np.ndarray, "n dim"], middle: Float[np.ndarray, " dim"], step: Float[np.ndarray, " dim"]
) -> Float[np.ndarray, "n dim"]:
    r"""What :func:`int8_codes` stands for, :math:`m_d + s_d c`, float32.

    >>> int8_vectors(np.array([[5, -127]], dtype=np.int8), np.zeros(2), np.array([0.25, 0.5])).tolist()
    [[1.25, -63.5]]
    """
    return (middle + step * codes).astype(np.float32)


class FittedInt8(FittedCodec):
    """Levels of a known range, ready to encode; its code is :func:`int8_codes`."""

    kind = "Int8"

    @property
    def code_bytes(self) -> int:
        """One a dimension."""
        return self.dim

    @property
    def middle(self) -> Float[np.ndarray, " dim"]:
        """The middle of each dimension's range."""
        return self.array("middle", self.dim)

    @property
    def step(self) -> Float[np.ndarray, " dim"]:
        """The distance between two levels of each dimension."""
        return self.array("step", self.dim)

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """One signed byte a dimension."""
        return int8_codes(self.ready(vectors), self.middle, self.step).view(np.uint8)

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The numbers at the codes' levels."""
        return int8_vectors(self.checked(codes).view(np.int8), self.middle, self.step)

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with the decoded vectors."""
        return self._scores(self.ready(queries), self.checked(codes))

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of decoded vectors."""
        return self._scores(self.decode(queries), self.checked(codes))

    def _scores(self, queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
        scores = blocked_scores(queries * self.step, codes, lambda some: some.view(np.int8).astype(np.float32))
        scores += (queries @ self.middle)[:, None]
        return scores


class Int8(Codec):
    """One byte a dimension, with each dimension's range kept so that vectors can be read back.

    Reference: Jacob et al. (2018), Quantization and Training of Neural Networks, CVPR.

    Args:
        tail: share of the calibration values beyond the range on each side; 0 takes the least and the largest value.

    Raises:
        InputError: a `tail` outside [0, 0.5).
    """

    fitted = FittedInt8

    def __init__(self, *, tail: float = 0.0005) -> None:
        check_fraction("tail", tail)
        if tail >= 0.5:
            raise InputError(f"`tail` must be below 0.5, so that a range is left. Got {tail!r} instead.")
        self.tail = tail

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedInt8:
        """Read each dimension's range from the vectors."""
        del seed
        vectors = training_vectors(vectors, similarity, least=2, purpose="the ranges of Int8")
        middle, step = int8_ranges(vectors, tail=self.tail)
        return FittedInt8(
            {"middle": middle, "step": step},
            settings=settings_of(self), dim=vectors.shape[1], similarity=similarity, made_for=made_for,
        )  # fmt: skip
