"""What a codec keeps: measured on vectors that it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from accord.compression.codecs.base import FittedCodec
from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.maths.block_search import best_of_blocks
from accord.maths.correlation import pearson, spearman

__all__ = ["Fidelity", "fidelity"]

BLOCK = 8192
QUERIES = 500
COMPARED = 2000
"""Vectors whose similarities to the queries are correlated."""


@dataclass(frozen=True)
class Fidelity:
    """What a codec keeps.

    Args:
        vectors: that were searched.
        queries: that were searched with.
        k: neighbours that recall counts.
        candidates: that are scored again with the vectors themselves.
        cosine_mean: between vectors and what is decoded from their codes.
        cosine_min: the same, of the worst.
        pearson: of scores of codes with the similarities of the vectors.
        spearman: the same, of ranks.
        recall: share of the k nearest that the k best scores find, from float queries.
        recall_symmetric: the same, from codes of the queries.
        recall_rescored: the same from float queries, when the best of the `candidates` are chosen by the vectors.
        bytes_per_vector: of a code.
        megabytes_per_million: of codes, in 10^6 bytes.
        share_of_float32: bytes of a code by those of its vector.
    """

    vectors: int
    queries: int
    k: int
    candidates: int
    cosine_mean: float
    cosine_min: float
    pearson: float
    spearman: float
    recall: float
    recall_symmetric: float
    recall_rescored: float
    bytes_per_vector: int
    megabytes_per_million: float
    share_of_float32: float


def fidelity(
    codec: FittedCodec,
    vectors: Float[np.ndarray, "n dim"],
    *,
    queries: Float[np.ndarray, "q dim"] | None = None,
    k: int = 10,
    candidates: int = 100,
    seed: int = 0,
) -> Fidelity:
    """Measure a codec on vectors, which should not be those that it was fitted on.

    Recall is of the k nearest vectors by the similarity that the codec was fitted for, exactly computed. More vectors
    make it harder: recall of 10 among a thousand says little about a million.

    Reference: Jegou et al. (2011), Product Quantization for Nearest Neighbor Search, TPAMI, section 5, for recall.

    Args:
        codec: fitted.
        vectors: that are searched.
        queries: that are searched with; when missing, up to 500 of the vectors, which are then not searched.
        k: neighbours.
        candidates: scored again, at least k.
        seed: of which vectors are queries.

    Raises:
        InputError: no more vectors than k, or fewer candidates than k.

    >>> from accord.compression.codecs import Float16
    >>> rows = np.random.default_rng(0).normal(size=(200, 8))
    >>> fidelity(Float16().fit(rows), rows).recall
    1.0
    """
    check_at_least("k", k, 1)
    check_at_least("candidates", candidates, k)
    vectors = codec.ready(vectors)
    if queries is None:
        order = numpy_generator(seed, "fidelity").permutation(len(vectors))
        few = min(QUERIES, len(vectors) // 2)
        queries, vectors = vectors[order[:few]], vectors[order[few:]]
    queries = codec.ready(queries)
    if len(vectors) <= k or not len(queries):
        raise InputError(
            f"Recall of {k} neighbours needs more than {k} vectors and a query. Got {len(vectors)} and {len(queries)}."
        )
    codes = codec.encode(vectors)
    cosines = _cosines(vectors, codec.decode(codes))
    exact = _best(_dots(queries, vectors), len(queries), k)
    found = _best(_scored(codec, queries, codes), len(queries), min(candidates, len(codes)))
    symmetric = _best(_symmetric(codec, codec.encode(queries), codes), len(queries), k)
    some = slice(0, COMPARED)
    pairs = codec.scores(queries, codes[some]).ravel(), (queries @ vectors[some].T).ravel()
    return Fidelity(
        vectors=len(vectors),
        queries=len(queries),
        k=k,
        candidates=candidates,
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        pearson=pearson(*pairs),
        spearman=spearman(*pairs),
        recall=_recall(found[:, :k], exact),
        recall_symmetric=_recall(symmetric, exact),
        recall_rescored=_recall(_rescored(queries, vectors, found, k), exact),
        bytes_per_vector=codec.code_bytes,
        megabytes_per_million=float(codec.code_bytes),
        share_of_float32=codec.code_bytes / (4 * codec.dim),
    )


def _best(blocks: Iterator[np.ndarray], queries: int, k: int) -> np.ndarray:
    return best_of_blocks(blocks, queries=queries, k=k)[0]


def _dots(queries: np.ndarray, vectors: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(vectors), BLOCK):
        yield queries @ vectors[first : first + BLOCK].T


def _scored(codec: FittedCodec, queries: np.ndarray, codes: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(codes), BLOCK):
        yield codec.scores(queries, codes[first : first + BLOCK])


def _symmetric(codec: FittedCodec, queries: np.ndarray, codes: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(codes), BLOCK):
        yield codec.code_scores(queries, codes[first : first + BLOCK])


def _rescored(queries: np.ndarray, vectors: np.ndarray, found: np.ndarray, k: int) -> np.ndarray:
    best = np.empty((len(queries), k), dtype=np.int64)
    for number, (query, places) in enumerate(zip(queries, found)):
        best[number] = places[np.argsort(-(vectors[places] @ query), kind="stable")[:k]]
    return best


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    dots = np.einsum("nd,nd->n", left, right)
    return np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)


def _recall(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.mean([np.isin(best, row).mean() for row, best in zip(found, exact)]))
