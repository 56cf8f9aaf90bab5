"""A second opinion on pairs of texts: another encoder, or a cross-encoder, under one surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.types import Encodes, Scores
from accord.encoders import load
from accord.encoders.cache import VectorCache
from accord.evaluation.encoding import similarity_kind
from accord.maths.nearest import place_scores

__all__ = ["PairScores", "encoded", "guide_scores"]

PairScores = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From (n,) query rows and (n,) document rows to (n,) scores."""


def encoded(
    model: Encodes, texts: Sequence[str], role: str, *, cache: VectorCache | None, progress: Progress = silent
) -> np.ndarray:
    """Vectors of texts in a role ("query", "document" or "text"), from the cache where there is one.

    Raises:
        InputError: rows that are not one a text, or not finite.
    """
    if cache is not None:
        return cache.encode(model, texts, role=role, progress=progress)
    ways = {"query": model.encode_query, "document": model.encode_document}
    encode = ways.get(role) or getattr(model, "encode", model.encode_query)
    vectors = np.asarray(encode(texts, progress=progress))
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise InputError(f"The encoder must return one row a text, ({len(texts)}, dim). Got {vectors.shape} instead.")
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise InputError(f"The encoder returned NaN or infinity for {texts[bad][:60]!r}.")
    return vectors


def guide_scores(
    guide: Encodes | Scores | str,
    queries: Sequence[str],
    documents: Sequence[str],
    *,
    cache: VectorCache | None = None,
    progress: Progress = silent,
) -> PairScores:
    """Scores by a guide for chosen queries and documents.

    Args:
        guide: what scores pairs of texts (it has `score`), an encoder, or what :func:`accord.load` takes.
        queries: texts.
        documents: texts.
        cache: for an encoder's vectors.
        progress: opens bars.

    Raises:
        InputError: a guide that is neither, or one that gives several scores a pair.
    """
    judge: Any = load(guide) if isinstance(guide, str) else guide
    if hasattr(judge, "score"):
        return _by_pairs(judge, queries, documents, progress)
    if not (hasattr(judge, "encode_query") and hasattr(judge, "encode_document")):
        raise InputError(f"`guide` must be an encoder or score pairs of texts. Got {type(judge).__name__} instead.")
    return _by_vectors(judge, queries, documents, cache, progress)


def _by_pairs(guide: Any, queries: Sequence[str], documents: Sequence[str], progress: Progress) -> PairScores:
    def scores(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        left, right = [queries[row] for row in rows], [documents[column] for column in columns]
        found = np.asarray(guide.score(left, right, progress=progress), dtype=np.float32)
        if found.ndim == 2 and found.shape[1] == 1:
            found = found[:, 0]
        if found.ndim != 1:
            raise InputError(
                f"A guide must give one score a pair. This cross-encoder gives {found.shape[-1]}: it tells classes "
                "apart. Take one that was trained to rank."
            )
        return found

    return scores


def _by_vectors(
    guide: Encodes, queries: Sequence[str], documents: Sequence[str], cache: VectorCache | None, progress: Progress
) -> PairScores:
    left = encoded(guide, queries, "query", cache=cache, progress=progress)
    right = encoded(guide, documents, "document", cache=cache, progress=progress)
    kind = similarity_kind(guide)
    return lambda rows, columns: place_scores(left, right, rows, columns, kind=kind)
