"""Binary codes that are learned with the text: bits through which a document's words can be predicted."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8

from accord.compression.codecs.base import Codec, FittedCodec, blocked_scores, settings_of, training_vectors
from accord.core.checks import check_at_least, check_positive
from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.maths.bit_planes import pack_signs, plane_bytes, unpack_signs
from accord.maths.hamming import plane_products
from accord.maths.nearest import unit_rows
from accord.maths.rotation import random_rotation

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BinaryParagraph", "FittedBinaryParagraph", "balanced_bits", "word_bits", "word_loss"]


def balanced_bits(
    vectors: Float[np.ndarray, "n dim"], bits: int, *, seed: int
) -> tuple[Float[np.ndarray, "bits dim"], Float[np.ndarray, " bits"]]:
    """Random directions, and thresholds that half of the vectors exceed along each.

    Args:
        vectors: (n, dim).
        bits: how many.
        seed: of the directions.

    Returns:
        Directions, scaled so that vectors have deviation 1 along them on average, and offsets, float32.

    >>> away, offset = balanced_bits(np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]), 4, seed=0)
    >>> (np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]) @ away.T + offset > 1e-6).sum(axis=0).tolist()
    [1, 1, 1, 1]
    """
    away = random_rotation(vectors.shape[1], bits, seed=seed).T
    values = vectors @ away.T
    scale = 1 / max(float(values.std(axis=0).mean()), 1e-12)
    return (away * scale).astype(np.float32), (-np.median(values, axis=0) * scale).astype(np.float32)


def word_loss(
    vectors: Float[Tensor, "n dim"],
    words: Float[Tensor, "n words"],
    away: Float[Tensor, "bits dim"],
    offset: Float[Tensor, " bits"],
    table: Float[Tensor, "words bits"],
    common: Float[Tensor, " words"],
) -> Float[Tensor, ""]:
    r"""Cross-entropy of a text's words, given nothing of it but its bits.

    .. math:: b = [\,\sigma(A f + a) > \tfrac12\,], \qquad
        L = -\frac1n \sum_i \sum_w \frac{n_{iw}}{\sum_v n_{iv}} \log \mathrm{softmax}(U b_i + u)_w

    Gradients pass the rounding as if it were not there.

    Also known as: binary PV-DBOW, semantic hashing with rounded sigmoid units.

    Reference: Grzegorczyk and Kurdziel (2017), Binary Paragraph Vectors, arXiv:1611.01116, section 2, figure 1;
    Krizhevsky and Hinton (2011) for the rounding.

    Differs from the paper: the vector of a text comes from an encoder and is no weight that is learned with the bits,
    so that a new text needs no inference; all words of a text count at once, under the full softmax; words see bits as
    -1 and +1, which is the same model with another u.

    Args:
        vectors: f.
        words: counts, at least 0; a row of zeros does not count.
        away: A.
        offset: a.
        table: U.
        common: u.

    Returns:
        Nats a word; log(words) when all words are equally likely.

    >>> import torch
    >>> zeros = torch.zeros(4)
    >>> word_loss(torch.ones(1, 2), torch.eye(4)[:1], torch.ones(3, 2), torch.zeros(3), torch.zeros(4, 3), zeros)
    tensor(1.3863)
    """
    import torch.nn.functional as F

    from accord.maths.straight_through import round_through

    bits = round_through(F.linear(vectors, away, offset).sigmoid())
    totals = words.sum(1, keepdim=True)
    shares = words / totals.clamp(min=1e-12)
    found = -(shares * F.linear(2 * bits - 1, table, common).log_softmax(1)).sum(1)
    return found.sum() / (totals > 0).sum().clamp(min=1)


def word_bits(
    vectors: Float[np.ndarray, "n dim"],
    words: Any,
    *,
    bits: int,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
) -> tuple[Float[np.ndarray, "bits dim"], Float[np.ndarray, " bits"]]:
    """Directions and offsets of bits that predict words, by gradient steps on :func:`word_loss`.

    Args:
        vectors: (n, dim), of unit length.
        words: (n, words) counts, a scipy sparse matrix by rows.
        bits: how many.
        steps: of the optimiser.
        batch: texts a step.
        learning_rate: the largest.
        seed: of the start and of batches.

    Returns:
        Directions (bits, dim) and offsets (bits,), float32.

    Raises:
        InputError: a loss that runs away.
    """
    import torch

    from accord.maths.descent import adam_descent

    wide = vectors * np.float32(vectors.shape[1] ** 0.5)
    frequency = np.log(np.asarray(words.sum(axis=0), dtype=np.float64).ravel() + 1)
    starts = (*balanced_bits(wide, bits, seed=seed), np.zeros((words.shape[1], bits)), frequency - frequency.mean())
    weights = [torch.from_numpy(np.array(start, dtype=np.float32)).requires_grad_() for start in starts]
    draws = numpy_generator(seed, "batches")

    def loss(step: int) -> Tensor:
        del step
        rows = draws.integers(len(wide), size=batch)
        counts = torch.from_numpy(words[rows].toarray().astype(np.float32))
        return word_loss(torch.from_numpy(wide[rows]), counts, *weights)

    adam_descent(weights, loss, steps=steps, learning_rate=learning_rate, clip=5.0, name="words")
    away, offset = (weight.detach().numpy() for weight in weights[:2])
    return away * np.float32(vectors.shape[1] ** 0.5), offset


class FittedBinaryParagraph(FittedCodec):
    """Bits that say which words a text is likely to hold; lengths of vectors are lost.

    Bit i of a code is :math:`[A f + a > 0]_i`, packed as by :func:`accord.maths.bit_planes.pack_signs`.
    """

    kind = "BinaryParagraph"
    bitwise = True

    @property
    def bits(self) -> int:
        """Bits of a code."""
        return int(self.settings["bits"])

    @property
    def code_bytes(self) -> int:
        """A bit a bit, in whole bytes."""
        return plane_bytes(self.bits)

    @cached_property
    def maps(self) -> dict[str, np.ndarray]:
        """What was learned, checked: `away` and `offset` to the bits, `read` and `mean` back from them."""
        shapes = {
            "away": (self.bits, self.dim),
            "offset": (self.bits,),
            "read": (self.dim, self.bits),
            "mean": (self.dim,),
        }
        return {name: self.array(name, *shape) for name, shape in shapes.items()}

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """1 for each bit whose sigmoid rounds up."""
        units = unit_rows(self.ready(vectors))
        return pack_signs(units @ self.maps["away"].T + self.maps["offset"])

    def decode(self, codes: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n dim"]:
        """The best linear guess at the vectors: the corpus's mean and what each bit adds to it."""
        return unpack_signs(self.checked(codes), self.bits) @ self.maps["read"].T + self.maps["mean"]

    def scores(
        self, queries: Float[np.ndarray, "q dim"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """Dot products of queries with the decoded vectors."""
        queries = self.ready(queries)
        scores = blocked_scores(
            queries @ self.maps["read"], self.checked(codes), lambda some: unpack_signs(some, self.bits)
        )
        scores += (queries @ self.maps["mean"])[:, None]
        return scores

    def code_scores(
        self, queries: UInt8[np.ndarray, "q bytes"], codes: UInt8[np.ndarray, "n bytes"]
    ) -> Float[np.ndarray, "q n"]:
        """One minus twice the share of differing bits, in [-1, 1]."""
        scores = plane_products(
            self.checked(queries), self.checked(codes), dim=self.bits, query_planes=1, code_planes=1
        )
        return scores / np.float32(self.bits)


class BinaryParagraph(Codec):
    r"""Short codes that are learned with the text: through a document's bits, its words must be predicted.

    .. math:: b = [\,\sigma(A f + a) > \tfrac12\,], \qquad p(w) = \mathrm{softmax}(U b + u)_w

    Bits are compared by how many differ. What they keep is what a text is about, so codes may be short; scores of
    vectors are better kept by `RecurrentBinary`.

    Also known as: binary PV-DBOW, semantic hashing.

    Reference: Grzegorczyk and Kurdziel (2017), Binary Paragraph Vectors, arXiv:1611.01116, section 2.

    Differs from the paper: the vector of a text is an encoder's, and only what rounds it and what reads it are
    learned; see :func:`word_loss`. A linear map from bits back to vectors is fitted afterwards, so that float queries
    can be compared, too.

    Args:
        bits: of a code.
        steps: of the optimiser; 0 keeps the start, random directions with as many vectors on either side.
        batch: texts a step.
        learning_rate: the largest.

    Raises:
        InputError: a value out of range.
    """

    fitted = FittedBinaryParagraph

    def __init__(self, *, bits: int = 128, steps: int = 600, batch: int = 128, learning_rate: float = 3e-3) -> None:
        self.bits = bits
        self.steps = steps
        self.batch = batch
        self.learning_rate = learning_rate
        for name, least in (("bits", 1), ("steps", 0), ("batch", 1)):
            check_at_least(name, getattr(self, name), least)
        check_positive("learning_rate", learning_rate)

    def fit(
        self,
        vectors: Float[np.ndarray, "n dim"],
        *,
        similarity: str = "cosine",
        seed: int = 0,
        made_for: str = "",
        words: Any = None,
    ) -> FittedBinaryParagraph:
        """Learn from the vectors of texts and the words of the same texts.

        Args:
            vectors: at least two.
            similarity: how vectors are compared; bits are of directions in any case.
            seed: of the start and of batches.
            made_for: fingerprint of the model.
            words: (n, words) counts, a scipy sparse matrix, as of :func:`word_counts`.

        Raises:
            InputError: no words, or not those of so many texts; too few vectors, NaN, infinity or zeros.
        """
        vectors = training_vectors(vectors, similarity, least=2, purpose="the bits of BinaryParagraph")
        words = _checked_words(words, len(vectors))
        units = unit_rows(vectors)
        away, offset = word_bits(
            units,
            words,
            bits=self.bits,
            steps=self.steps,
            batch=self.batch,
            learning_rate=self.learning_rate,
            seed=seed,
        )
        signs = np.where(units @ away.T + offset > 0, 1.0, -1.0)
        centre, mean = signs.mean(axis=0), vectors.mean(axis=0, dtype=np.float64)
        square = (signs - centre).T @ (signs - centre)
        square[np.diag_indices_from(square)] += 1.0
        read = np.linalg.solve(square, (signs - centre).T @ (vectors - mean)).T
        arrays = {"away": away, "offset": offset, "read": read, "mean": mean - read @ centre}
        return FittedBinaryParagraph(
            {name: array.astype(np.float32) for name, array in arrays.items()},
            settings=settings_of(self), dim=vectors.shape[1], similarity=similarity, made_for=made_for,
        )  # fmt: skip


def _checked_words(words: Any, count: int) -> Any:
    """Counts as a sparse matrix by rows.

    Raises:
        InputError: none, of another number of texts, below zero or not finite.
    """
    from scipy.sparse import csr_matrix

    if words is None:
        raise InputError(
            "BinaryParagraph learns from the words of the texts: pass `words=word_counts(texts)`, one row a vector."
        )
    words = csr_matrix(words)
    if words.shape[0] != count or not words.shape[1]:
        raise InputError(f"`words` must be ({count}, words), one row a vector. Got {words.shape}.")
    if not np.isfinite(words.data).all() or (words.data < 0).any():
        raise InputError("`words` must be counts: finite and at least 0.")
    return words
