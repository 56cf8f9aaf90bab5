"""The k-th largest magnitude of more numbers than are held at once, exactly.

The pattern of a positive float32, read as an integer, has the order of the number. So two surveys over pieces are
enough: the first counts the upper 16 bits of each magnitude, which tells in which bin the wanted one lies; the second
counts the lower 16 bits of those in that bin. Counts are integers, so how the numbers are cut does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

__all__ = ["Tally", "count_magnitudes", "count_of_share", "kth_magnitudes", "row_magnitudes"]

UPPER, LOWER = 1 << 15, 1 << 16
TOGETHER = 8
"""Tensors that wait before they become one: many small ones would pin the freed memory between them."""


class Tally:
    """How often each whole number was seen, for several rows of numbers; tallies add up.

    A row is kept as the numbers themselves while these take less room than counts.

    Args:
        bins: all numbers are below this.
        rows: int32 numbers, of any length each.

    >>> tally = Tally(4, [torch.tensor([3, 1], dtype=torch.int32)])
    >>> tally += Tally(4, [torch.tensor([3, 0, 2], dtype=torch.int32)])
    >>> tally.total(0), tally.descend(0, rank=2), tally.descend(0, rank=3)
    (5, (3, 2), (2, 1))
    """

    def __init__(self, bins: int, rows: Iterable[Tensor]) -> None:
        self.bins = bins
        self.counts: list[Tensor | None] = []
        self.waiting: list[list[Tensor]] = []
        self._found: dict[tuple[int, int], tuple[int, int]] = {}
        for row in rows:
            self.counts.append(None)
            self.waiting.append([row])
            self._fold(len(self.waiting) - 1)

    def __add__(self, other: Tally) -> Tally:
        total = Tally(self.bins, [])
        total.counts = [None if counts is None else counts.clone() for counts in self.counts]
        total.waiting = [list(waiting) for waiting in self.waiting]
        total += other
        return total

    def __iadd__(self, other: Tally) -> Self:
        for row, (counts, waiting) in enumerate(zip(other.counts, other.waiting)):
            own = self.counts[row]
            if counts is not None:
                self.counts[row] = counts.clone() if own is None else own.add_(counts)
            self.waiting[row] += waiting
            if len(self.waiting[row]) > TOGETHER:
                self.waiting[row] = [torch.cat(self.waiting[row])]
            self._fold(row)
        self._found.clear()
        return self

    def total(self, row: int) -> int:
        """How many numbers a row has."""
        counts = self.counts[row]
        return sum(map(len, self.waiting[row])) + (0 if counts is None else int(counts.sum()))

    def descend(self, row: int, rank: int) -> tuple[int, int]:
        """The rank-th largest number of a row, and how many of the same were counted down to it.

        Args:
            row: which.
            rank: 1 for the largest.
        """
        if (row, rank) not in self._found:
            waiting = torch.cat([*self.waiting[row], torch.empty(0, dtype=torch.int32)])
            folded = self.counts[row]
            self._found[row, rank] = (
                _from_list(waiting, rank)
                if folded is None
                else self._from_counts(folded + torch.bincount(waiting, minlength=self.bins), rank)
            )
        return self._found[row, rank]

    def _from_counts(self, counts: Tensor, rank: int) -> tuple[int, int]:
        above = counts.flip(0).cumsum(0)
        place = min(int(torch.searchsorted(above, rank)), self.bins - 1)
        return self.bins - 1 - place, rank - (int(above[place - 1]) if place else 0)

    def _fold(self, row: int) -> None:
        waiting = self.waiting[row]
        if sum(map(len, waiting)) < self.bins:
            return
        counts = torch.bincount(waiting[0] if len(waiting) == 1 else torch.cat(waiting), minlength=self.bins)
        own = self.counts[row]
        self.counts[row] = counts if own is None else own.add_(counts)
        self.waiting[row] = []


def count_of_share(share: float, number: int) -> int:
    """How many of `number` a share is: rounded down, but never none.

    A share that means a whole number gives it, although its product is a hair below.

    >>> count_of_share(0.29, 100), count_of_share(0.2, 3)
    (29, 1)
    """
    return max(math.floor(share * number + 1e-6), 1)


def count_magnitudes(tensors: Iterable[Tensor], before: Sequence[Tally], ranks: Sequence[Sequence[int]]) -> Tally:
    """What a piece of each tensor adds to a survey.

    Args:
        tensors: (N,) float32, a piece of each.
        before: the sums of the earlier surveys: none, or the first.
        ranks: (N, R) which magnitudes are wanted, 1 for the largest; read in the second survey only.

    Returns:
        A tally of N rows in the first survey, of N x R in the second.
    """
    if not before:
        return Tally(UPPER, (_pattern(tensor).bitwise_right_shift_(16) for tensor in tensors))
    rows = []
    for row, tensor in enumerate(tensors):
        pattern = _pattern(tensor).numpy()  # whose masks are several times as fast
        upper = pattern >> 16
        for rank in ranks[row]:
            inside = pattern[upper == before[0].descend(row, rank)[0]]
            rows.append(torch.from_numpy(inside).bitwise_and_(LOWER - 1))
    return Tally(LOWER, rows)


def kth_magnitudes(surveys: Sequence[Tally], ranks: Sequence[Sequence[int]]) -> list[list[float]]:
    """The magnitudes that two surveys find.

    Args:
        surveys: sums of :func:`count_magnitudes` over all pieces.
        ranks: (N, R) as in the second survey.

    Returns:
        (N, R) magnitudes, exactly as they stand among the numbers.

    >>> x = torch.tensor([[3.0, -1.0, 2.0, -5.0]])
    >>> first = count_magnitudes(x, [], [[2]])
    >>> kth_magnitudes([first, count_magnitudes(x, [first], [[2]])], [[2]])
    [[3.0]]
    """
    found: list[list[float]] = []
    lower_row = 0
    for row, wanted in enumerate(ranks):
        found.append([])
        for rank in wanted:
            upper, rest = surveys[0].descend(row, rank)
            lower, _ = surveys[1].descend(lower_row, rest)
            found[-1].append(float(np.array(upper << 16 | lower, dtype=np.uint32).view(np.float32)))
            lower_row += 1
    return found


def row_magnitudes(rows: Tensor, ranks: Sequence[int]) -> list[Tensor]:
    """The k-th largest magnitudes of each row.

    Args:
        rows: (rows, length).
        ranks: 1 for the largest.

    Returns:
        One (rows, 1) tensor for each rank.

    >>> row_magnitudes(torch.tensor([[3.0, -1.0, 2.0]]), [2])
    [tensor([[2.]])]
    """
    places = [rows.shape[1] - rank for rank in ranks]
    parted = np.partition(rows.detach().abs().numpy(), sorted(set(places)), axis=1)
    return [torch.from_numpy(np.ascontiguousarray(parted[:, place : place + 1])) for place in places]


def _from_list(numbers: Tensor, rank: int) -> tuple[int, int]:
    if len(numbers) == 0:
        return 0, rank
    value = numbers.kthvalue(max(len(numbers) + 1 - rank, 1)).values
    return int(value), rank - int((numbers > value).sum())


def _pattern(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().view(torch.int32).reshape(-1).bitwise_and(0x7FFFFFFF)
