"""Holm: p values of several questions, so that one false alarm among all stays rare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.errors import InputError

__all__ = ["holm"]


def holm(ps: Sequence[float]) -> list[float]:
    r"""Step-down Bonferroni: :math:`\tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1)\, p_{(j)})`.

    Also known as: Holm-Bonferroni.

    Reference: Holm (1979), A simple sequentially rejective multiple test procedure.

    Args:
        ps: p values, in [0, 1].

    Returns:
        Adjusted p values in the order given; the chance of any false alarm is at most the level they are held against.

    Raises:
        InputError: a value outside [0, 1].

    >>> [round(p, 4) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(ps, dtype=np.float64)
    if not ((given >= 0) & (given <= 1)).all():
        raise InputError(f"`ps` must lie in [0, 1]. Got {list(ps)} instead.")
    order = np.argsort(given, kind="stable")
    stepped = np.maximum.accumulate(np.minimum(1.0, given[order] * np.arange(len(given), 0, -1)))
    adjusted = np.empty_like(given)
    adjusted[order] = stepped
    return adjusted.tolist()
