"""Fusing lists of hits: what several stores, or a store and a lexical search, found for one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.retrieval.documents import Hit

__all__ = ["Fuses", "fuse_hits"]


class Fuses(Protocol):
    """A method of fusion: scores of several systems to one score."""

    def fuse(self, scores: np.ndarray) -> np.ndarray:
        """(systems, queries, documents) to (queries, documents)."""
        ...


def fuse_hits(found: Sequence[Sequence[Hit]], method: Fuses, *, k: int | None = None) -> list[Hit]:
    """Fuse what several systems found for one query; documents are recognised by their ids.

    Args:
        found: a list of hits a system; each system names a document at most once.
        method: such as :class:`~accord.retrieval.fusion.ReciprocalRank`.
        k: how many to keep; all when not given.

    Returns:
        The hits as the first system that found each gave them, with fused scores and new ranks, best first. Equal
        scores keep the order in which the systems found them.

    Raises:
        InputError: no system, a document that a list names twice, or a `k` below 1.

    >>> from accord.retrieval.fusion.reciprocal_rank import ReciprocalRank
    >>> hits = [Hit(id=name, score=1 - n, text="", title="", metadata={}, rank=n + 1) for n, name in enumerate("abc")]
    >>> [hit.id for hit in fuse_hits([hits[:2], hits[1:]], ReciprocalRank())]
    ['b', 'a', 'c']
    """
    if not found:
        raise InputError("`found` must hold a list of hits for each system. Got none.")
    if k is not None:
        check_at_least("k", k, 1)
    first: dict[str, Hit] = {}
    for hit in (hit for hits in found for hit in hits):
        first.setdefault(hit.id, hit)
    places = {name: n for n, name in enumerate(first)}
    scores = np.full((len(found), 1, len(places)), np.nan)
    for system, hits in enumerate(found):
        for hit in hits:
            if not np.isnan(scores[system, 0, places[hit.id]]):
                raise InputError(f"`found[{system}]` names the document {hit.id!r} twice. Keep its best hit only.")
            scores[system, 0, places[hit.id]] = hit.score
    if not places:
        return []
    fused = method.fuse(scores)[0]
    best = np.argsort(-fused, kind="stable")[:k].tolist()
    kept = list(first.values())
    return [replace(kept[n], score=float(fused[n]), rank=rank) for rank, n in enumerate(best, 1)]
