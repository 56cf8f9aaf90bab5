"""The directions in which vectors differ most, as half-precision numbers or in another codec's bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import Codec, FittedCodec, codec_of, settings_of, training_vectors
from accord.core.checks import check_at_least
from accord.core.errors import InputError

__all__ = ["PCA", "FittedPCA", "principal_axes"]

INNER = "then."


def principal_axes(
    vectors: Float[np.ndarray, "n dim"], count: int
) -> tuple[Float[np.ndarray, " dim"], Float[np.ndarray, "dim count"], Float[np.ndarray, " count"]]:
    r"""The mean, the directions of greatest variance, and the deviation along each.

    .. math:: \Sigma = U \Lambda U^\top, \qquad z = (x - \mu)\,U_{1 \ldots r}

    Also known as: principal component analysis, Karhunen-Loeve transform; with deviations, PCA whitening.

    Reference: Pearson (1901); Su et al. (2021), Whitening Sentence Representations, arXiv:2103.15316, for whitening.

    Args:
        vectors: (n, dim), more than `count`.
        count: r, directions to keep.

    Returns:
        (dim,), (dim, count) and (count,), float32; the largest number of each direction is positive.

    Raises:
        InputError: more directions than dimensions, or no more vectors than directions.

    >>> mean, axes, spread = principal_axes(np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]]), 1)
    >>> mean.tolist(), axes.ravel().tolist(), spread.tolist()
    ([2.0, 5.0], [1.0, 0.0], [1.0])
    """
    if count > vectors.shape[1]:
        raise InputError(f"`dim` must be at most the vectors' {vectors.shape[1]} dimensions. Got {count} instead.")
    if len(vectors) <= count:
        raise InputError(f"`vectors` must be at least {count + 1} for {count} directions. Got {len(vectors)}.")
    wide = np.asarray(vectors, dtype=np.float64)
    mean = wide.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(wide.T).reshape(wide.shape[1], wide.shape[1]))
    variances, axes = variances[::-1][:count], axes[:, ::-1][:, :count]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(count)] < 0, -1.0, 1.0)
    spread = np.sqrt(np.maximum(variances, 0.0))
    return mean.astype(np.float32), axes.astype(np.float32), spread.astype(np.float32)


class FittedPCA(FittedCodec):
    """Principal directions, ready to encode, with the codec that holds the numbers; see :func:`principal_axes`."""

    kind = "PCA"

    def __init__(
        self, arrays: Mapping[str, np.ndarray], *, settings: Mapping[str, Any], dim: int, similarity: str, made_for: str
    ) -> None:
        super().__init__(arrays, settings=settings, dim=dim, similarity=similarity, made_for=made_for)
        inner = {name.removeprefix(INNER): array for name, array in arrays.items() if name.startswith(INNER)}
        codec = codec_of(settings["then"], "then")
        self.count = int(settings["dim"])
        self.whiten = bool(settings["whiten"])
        self.inner = codec.fitted.of_arrays(
            inner, settings=settings_of(codec), dim=self.count, similarity=_within(similarity, self.whiten), made_for=""
        )

    @property
    def code_bytes(self) -> int:
        """Those of the codec within."""
        return self.inner.code_bytes

    @property
    def mean(self) -> Float[np.ndarray, " dim"]:
        """What is taken off every vector."""
        return self.array("mean", self.dim)

    @property
    def axes(self) -> Float[np.ndarray, "dim count"]:
        """Columns are the directions."""
        return self.array("axes", self.dim, self.count)

    @property
    def spread(self) -> Float[np.ndarray, " count"]:
        """The deviation along each direction, 0 where there is none to speak of."""
        return self.array("spread", self.count)

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """Numbers along the directions, in the bytes of the codec within."""
        return self.inner.encode(self._along(self.ready(vectors) - self.mean))

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The mean and the numbers along the directions; white vectors of a cosine come back at their mean length."""
        numbers, spread = self.inner.decode(self.checked(codes)), self.spread
        if self.whiten:
            numbers = numbers * spread
            if self.similarity == "cosine":
                numbers *= np.float32(np.sqrt(np.count_nonzero(spread)))
        return numbers @ self.axes.T + self.mean

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with the decoded vectors; with `whiten`, the similarity of white vectors."""
        queries = self.ready(queries)
        if self.whiten:
            return self.inner.scores(self._along(queries - self.mean), self.checked(codes))
        return self.inner.scores(queries @ self.axes, self.checked(codes)) + (queries @ self.mean)[:, None]

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of decoded vectors; with `whiten`, the similarity of white vectors."""
        queries, codes = self.checked(queries), self.checked(codes)
        scores = self.inner.code_scores(queries, codes)
        if not self.whiten:
            centre = (self.mean @ self.axes)[None]
            scores = scores + self.inner.scores(centre, codes) + self.inner.scores(centre, queries).T
            scores += self.mean @ self.mean
        return scores

    def _along(self, vectors: np.ndarray) -> np.ndarray:
        numbers = vectors @ self.axes
        if self.whiten:
            numbers = np.divide(numbers, self.spread, out=np.zeros_like(numbers), where=self.spread > 0)
        return numbers


class PCA(Codec):
    """Fewer numbers: those along the directions in which the training vectors differ most.

    Reference: Pearson (1901); Su et al. (2021), Whitening Sentence Representations, arXiv:2103.15316, for `whiten`.

    Args:
        dim: directions to keep.
        whiten: give every direction the same spread, which changes what is near: scores are those of white vectors.
        then: the codec that holds the numbers: its name, a mapping of its name to its arguments, or itself.

    Raises:
        InputError: a `dim` below 1, or an unknown codec.
    """

    fitted = FittedPCA

    def __init__(self, *, dim: int = 128, whiten: bool = False, then: object = "Float16") -> None:
        check_at_least("dim", dim, 1)
        if not isinstance(dim, int):
            raise InputError(f"`dim` must be a whole number. Got {dim!r} instead.")
        codec_of(then, "then")
        self.dim = dim
        self.whiten = whiten
        self.then = then

    def fit(
        self, vectors: Float[np.ndarray, "n dim"], *, similarity: str = "cosine", seed: int = 0, made_for: str = ""
    ) -> FittedPCA:
        """Find the directions, and fit the codec within on numbers along them."""
        vectors = training_vectors(vectors, similarity, least=2, purpose="directions of greatest variance")
        mean, axes, spread = principal_axes(vectors, self.dim)
        spread = np.where(spread > 1e-5 * spread.max(initial=0.0), spread, 0.0).astype(np.float32)
        numbers = (vectors - mean) @ axes
        if self.whiten:
            numbers = np.divide(numbers, spread, out=np.zeros_like(numbers), where=spread > 0)
        inner = codec_of(self.then, "then").fit(numbers, similarity=_within(similarity, self.whiten), seed=seed)
        arrays = {f"{INNER}{name}": array for name, array in inner.arrays().items()}
        return FittedPCA(
            arrays | {"mean": mean, "axes": axes, "spread": spread},
            settings=settings_of(self), dim=vectors.shape[1], similarity=similarity, made_for=made_for,
        )  # fmt: skip


def _within(similarity: str, whiten: bool) -> str:
    """How the codec within compares: centred numbers by dot products, white ones as asked."""
    return similarity if whiten else "dot"
