"""Candidates in the order of a model that reads each beside the query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.core.types import Scores
from accord.retrieval.documents import Hit

__all__ = ["rerank"]


def rerank(
    query: str, hits: Sequence[Hit], model: Scores, *, k: int | None = None, progress: Progress | None = None
) -> list[Hit]:
    """Score each hit beside the query and put the best first; what was not found at all cannot come back.

    Also known as: second-stage ranking, retrieve and rerank.

    Reference: Nogueira & Cho (2019), arXiv:1901.04085, section 2.

    Args:
        query: one text.
        hits: candidates, usually many more than wanted; a document's text stands behind its title, where it has one.
        model: gives one score a pair, as a cross-encoder does.
        k: how many to keep; all when not given.
        progress: opens a bar.

    Returns:
        The hits with the model's scores and new ranks; equal scores keep their order.

    Raises:
        InputError: a model with several scores a pair, or a `k` below 1.
    """
    if k is not None:
        check_at_least("k", k, 1)
    texts = [f"{hit.title} {hit.text}" if hit.title else hit.text for hit in hits]
    scores = np.asarray(model.score([query] * len(texts), texts, progress=progress))
    if scores.ndim != 1:
        raise InputError(f"Reranking needs a model with 1 score a pair, and this one has {scores.shape[1]} labels.")
    order = np.argsort(-scores, kind="stable")[:k]
    return [replace(hits[n], score=float(scores[n]), rank=rank) for rank, n in enumerate(order.tolist(), 1)]
