"""Permutation: whether a difference could be chance, were the two systems the same."""

from __future__ import annotations

import numpy as np

from accord.core.random import numpy_generator
from accord.evaluation.statistics.pairing import Pair
from accord.maths.resampling import sign_flip_p, swap_p

__all__ = ["permutation_p"]


def permutation_p(pair: Pair, *, resamples: int = 2000, seed: int = 0, key: tuple[str, ...] = ()) -> float:
    """Two-sided p of no difference, by trading the rows of two systems at random.

    Per-example metrics flip the signs of paired differences (all patterns where at most 20 differ). Set metrics trade
    rows and are computed again, after each system was brought to a form in which single rows are comparable: ranks for
    Spearman, standardised values for Pearson, clusters named after labels for V-measure. Seeds trade together, and so
    do the examples of one group.

    Also known as: Fisher's randomisation test, paired permutation test.

    Reference: Fisher (1935); Smucker, Allan & Carterette (2007) for retrieval; Phipson & Smyth (2010) for p > 0.

    Args:
        pair: the two systems.
        resamples: random patterns.
        seed: of the patterns.
        key: words that name what is drawn.

    Returns:
        In (0, 1].
    """
    generator = numpy_generator(seed, "permutation", *key)
    groups = pair.group_codes()
    if pair.is_mean:
        differences = pair.differences()
        moving = differences if groups is None else np.bincount(groups, differences)
        return sign_flip_p(moving, resamples, generator)
    return swap_p(pair.tradable().effect_after, len(pair), resamples, generator, groups=groups)
