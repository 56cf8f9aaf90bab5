"""From chunks to the texts that they were cut from: the best chunk speaks for its text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from accord.core.checks import check_at_least
from accord.retrieval.documents import Hit

__all__ = ["best_of_parents", "by_parent"]


def by_parent(hits: Sequence[Hit]) -> list[Hit]:
    """The best hit of each text, best first; a hit that is no chunk is a text of its own.

    Args:
        hits: of chunks, which name their text in `metadata["parent"]`, best first.
    """
    best: dict[tuple[bool, str], Hit] = {}
    for hit in hits:
        parent = hit.metadata.get("parent")
        best.setdefault((parent is None, str(hit.id if parent is None else parent)), hit)
    return [dataclasses.replace(hit, rank=rank) for rank, hit in enumerate(best.values(), 1)]


def best_of_parents(search: Callable[[int], Sequence[Hit]], k: int) -> list[Hit]:
    """The k best texts of a store of chunks, each by its best chunk; fewer only when there are fewer texts.

    Asks for more chunks until they come from enough texts.

    Args:
        search: gives so many of the best chunks: `lambda n: store.search("a question", n, mode="hybrid")`.
        k: how many texts.

    Raises:
        InputError: k below 1.
    """
    check_at_least("k", k, 1)
    count = 4 * k
    while True:
        hits = search(count)
        found = by_parent(hits)
        if len(found) >= k or len(hits) < count:
            return found[:k]
        count *= 4
