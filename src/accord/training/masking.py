"""Which tokens of a text are hidden, and what stands in their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from accord.core.random import numpy_generator

__all__ = ["Masking", "mask_text"]


@dataclass(frozen=True)
class Masking:
    """How tokens are hidden.

    Args:
        rate: share of a text's tokens that are hidden, at least one of them where it is above zero.
        random: share of those that a random token replaces.
        kept: share of those that stay as they are; the mask token replaces the rest.
        mask: id of the mask token.
        ordinary: ids that may be hidden and may replace others: all but special tokens.
        seed: of the run.
    """

    rate: float
    random: float
    kept: float
    mask: int
    ordinary: np.ndarray
    seed: int


def mask_text(
    ids: Int[np.ndarray, " length"], masking: Masking, *, text: str, visit: int, skip: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """One text with some of its tokens hidden; a function of the seed, the text and the visit alone.

    Reference: Devlin et al. (2019), BERT, arXiv:1810.04805, section 3.1.

    Differs from the paper: the number of hidden tokens is rounded from the rate, not drawn.

    Args:
        ids: of the text, special tokens included.
        masking: how.
        text: what it says.
        visit: how often it came before, or any number that differs from visit to visit.
        skip: tokens at its start that are left alone.

    Returns:
        Its ids with tokens hidden, and the places where they are, in order.

    >>> how = Masking(0.5, 0.0, 0.0, mask=4, ordinary=np.arange(5, 10), seed=0)
    >>> ids, places = mask_text(np.array([2, 5, 6, 7, 8, 3]), how, text="a", visit=0)
    >>> len(places), ids[places].tolist(), ids[[0, 5]].tolist()
    (2, [4, 4], [2, 3])
    """
    found = np.flatnonzero(np.isin(ids, masking.ordinary))
    found = found[found >= skip]
    if not len(found) or not masking.rate:
        return ids, found[:0]
    generator = numpy_generator(masking.seed, "mask", text, visit)
    count = max(1, round(masking.rate * len(found)))
    places = np.sort(generator.permutation(found)[:count])
    coins = generator.random(count)
    strangers = generator.choice(masking.ordinary, count)
    put = np.where(coins < masking.random, strangers, masking.mask)
    hidden = ids.copy()
    hidden[places] = np.where(coins >= 1 - masking.kept, ids[places], put)
    return hidden, places
