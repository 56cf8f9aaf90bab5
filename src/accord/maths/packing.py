"""Cut rows of unequal length into batches within a token budget, and divide work of unequal cost evenly."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

from accord.core.checks import check_at_least

__all__ = ["balance", "token_batches"]


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


def balance(costs: Sequence[float] | np.ndarray, parts: int) -> list[list[int]]:
    """Divide items among `parts` so that the most loaded part has little more than the others.

    Items are handed out from the dearest to the cheapest, each to the part with the least so far; the heaviest load is
    at most 4/3 of the best possible one. Equal costs go by order, so the result is a function of the costs alone.

    Also known as: longest processing time first, LPT.

    Reference: Graham (1969), SIAM Journal on Applied Mathematics 17, theorem 2.

    Args:
        costs: of each item, not negative.
        parts: at least 1.

    Returns:
        Item numbers of each part, in rising order; a part is empty where there are fewer items than parts.

    Raises:
        InputError: fewer than one part.

    >>> balance([5, 4, 3, 3, 1], 2)
    [[0, 3], [1, 2, 4]]
    """
    check_at_least("parts", parts, 1)
    loads: list[tuple[float, int]] = [(0.0, part) for part in range(parts)]
    taken: list[list[int]] = [[] for _ in range(parts)]
    for item in np.argsort(-np.asarray(costs, dtype=np.float64), kind="stable").tolist():
        load, part = heapq.heappop(loads)
        taken[part].append(item)
        heapq.heappush(loads, (load + float(costs[item]), part))
    return [sorted(items) for items in taken]
