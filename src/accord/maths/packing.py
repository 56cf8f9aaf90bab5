"""Cut rows of unequal length into batches whose padded size stays within a token budget."""

from __future__ import annotations

import numpy as np

from accord.core.checks import check_at_least

__all__ = ["token_batches"]


def token_batches(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Group rows of like length, longest first, so that rows x longest <= budget in each batch.

    A row longer than the budget gets a batch of its own. Ties keep their order, so the result is a function of the
    lengths alone.

    Args:
        lengths: (n,) tokens of each row.
        budget: padded tokens a batch, at least 1.

    Returns:
        Row numbers of each batch; together they are 0..n-1, each once.

    Raises:
        InputError: a budget below 1.

    >>> [batch.tolist() for batch in token_batches(np.array([2, 9, 3, 3]), budget=9)]
    [[1], [2, 3, 0]]
    """
    check_at_least("budget", budget, 1)
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        rows = max(1, budget // max(1, int(lengths[order[start]])))
        batches.append(order[start : start + rows])
        start += rows
    return batches
