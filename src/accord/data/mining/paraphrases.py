"""Paraphrase mining: the pairs of texts that lie nearest to each other in a large collection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.maths.nearest import nearest_parts, place_scores

__all__ = ["TextPairs", "paraphrases"]

CHUNK = 8_192
SPARE = 1_024


@dataclass(frozen=True)
class TextPairs:
    """Pairs of rows, the best score first; equal scores by row.

    Args:
        left: (n,) the smaller row of each pair.
        right: (n,) the larger one.
        scores: (n,) float32.
    """

    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.left)


def paraphrases(
    vectors: np.ndarray,
    *,
    neighbours: int = 10,
    pairs: int = 500_000,
    min_score: float | None = None,
    kind: str = "cosine",
    block: int = 4096,
    progress: Progress = silent,
) -> TextPairs:
    """Pairs of which one is among the nearest neighbours of the other; each pair once.

    Memory holds the vectors, one block of scores and about twice `pairs`; it does not grow with the square of the
    texts, nor with `neighbours` times the texts. A pair's score is computed from its two vectors alone, so it depends
    neither on blocks nor on the direction in which the pair was found.

    Also known as: paraphrase_mining, bitext mining within one collection, all-pairs similarity search.

    Reference: Reimers & Gurevych (2019), arXiv:1908.10084, section 1, for the use; the search is exact.

    Args:
        vectors: (n, dim).
        neighbours: of each text, at least 1.
        pairs: most pairs to give.
        min_score: pairs below it are left out.
        kind: "cosine" or "dot".
        block: texts scored at once.
        progress: told of scored pairs.

    Returns:
        Pairs, the best first.

    Raises:
        InputError: fewer than two vectors, or counts below 1.

    >>> found = paraphrases(np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]]), neighbours=1)
    >>> list(zip(found.left.tolist(), found.right.tolist(), found.scores.round(3).tolist()))
    [(0, 2, 0.9940000176429749), (1, 2, 0.10999999940395355)]
    """
    check_at_least("neighbours", neighbours, 1)
    check_at_least("pairs", pairs, 1)
    if vectors.ndim != 2 or len(vectors) < 2:
        raise InputError(f"`vectors` must be (n, dim) with n of at least 2. Got {vectors.shape} instead.")
    rows = np.arange(len(vectors))
    least = -np.inf if min_score is None else float(min_score)
    rough = np.float32(least - 1e-5 * (1.0 if kind == "cosine" else _largest_square(vectors)))
    held = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    parts = nearest_parts(
        vectors, vectors, neighbours, order=rows[::-1], leave_out=rows, kind=kind, block=block, progress=progress
    )
    for first, found, scores in parts:
        queries = np.broadcast_to(rows[first : first + len(found), None], found.shape)
        good = (found >= 0) & (scores >= rough)
        keys = np.minimum(queries[good], found[good]) * len(vectors) + np.maximum(queries[good], found[good])
        waiting.append((keys, scores[good]))
        if sum(len(keys) for keys, _ in waiting) > pairs:
            held, waiting = _best([held, *waiting], 2 * pairs + SPARE), []
    keys, _ = _best([held, *waiting], 2 * pairs + SPARE)
    left, right = np.divmod(keys, len(vectors))
    exact = place_scores(vectors, vectors, left, right, kind=kind)
    kept = np.flatnonzero(exact >= least)
    order = kept[np.lexsort((right[kept], left[kept], -exact[kept]))][:pairs]
    return TextPairs(left[order], right[order], exact[order])


def _best(parts: list[tuple[np.ndarray, np.ndarray]], pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs with the larger of their scores, the best of them; equal scores by row."""
    keys = np.concatenate([keys for keys, _ in parts])
    scores = np.concatenate([scores for _, scores in parts])
    order = np.lexsort((-scores, keys))
    keys, scores = keys[order], scores[order]
    first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, dtype=np.int64)
    keys, scores = keys[first], scores[first]
    if len(keys) > pairs:
        best = np.lexsort((keys, -scores))[:pairs]
        keys, scores = keys[best], scores[best]
    return keys, scores


def _largest_square(vectors: np.ndarray) -> float:
    blocks = (vectors[first : first + CHUNK] for first in range(0, len(vectors), CHUNK))
    return max(float(np.einsum("nd,nd->n", block, block).max()) for block in blocks)
