"""The gradients of several tasks side by side: a row a task, from the parameters and back to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["TaskGradients"]

BLOCK = 1 << 22
"""Columns that are looked at in one go."""


class TaskGradients:
    """(rows, parameters) numbers in one piece, made once a run.

    Takes rows x parameters x 4 bytes, or 2 in bfloat16, which then needs 4 more for the sum.

    Args:
        parameters: that are trained.
        rows: how many gradients.
        storage: "float32" or "bfloat16".
    """

    def __init__(self, parameters: Sequence[nn.Parameter], rows: int, storage: str) -> None:
        self.parameters = list(parameters)
        self.ends = torch.tensor([p.numel() for p in self.parameters]).cumsum(0).tolist()
        device = self.parameters[0].device
        self.rows = torch.empty(rows, self.ends[-1], dtype=getattr(torch, storage), device=device)
        self.sum = self.rows[0] if storage == "float32" else torch.empty(self.ends[-1], device=device)
        self.used = [False] * len(self.parameters)
        self.before = torch.empty(0, device=device)

    def _places(self) -> Iterator[tuple[int, nn.Parameter, slice]]:
        for number, (parameter, end) in enumerate(zip(self.parameters, self.ends)):
            yield number, parameter, slice(end - parameter.numel(), end)

    def clear(self) -> None:
        """Begin a step: no parameter has a gradient."""
        self.used = [False] * len(self.parameters)
        self._drop()

    def take(self, row: int) -> None:
        """Move the gradients of the parameters into a row; one that has none counts as zeros."""
        for number, parameter, place in self._places():
            if parameter.grad is None:
                self.rows[row, place].zero_()
            else:
                self.used[number] = True
                self.rows[row, place].copy_(parameter.grad.reshape(-1))
        self._drop()

    def _drop(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def subtract(self, row: int, other: int) -> None:
        """Take another row from a row."""
        self.rows[row].sub_(self.rows[other])

    @property
    def last(self) -> slice:
        """Columns of the last weight matrix that has got a gradient in this step; all where there is none."""
        found = [place for number, p, place in self._places() if self.used[number] and p.ndim >= 2]
        return found[-1] if found else slice(0, self.ends[-1])

    def gramian(self) -> Tensor:
        """(rows, rows) inner products; float64, on the CPU."""
        found = torch.zeros(len(self.rows), len(self.rows), dtype=torch.float64, device=self.rows.device)
        for start in range(0, self.ends[-1], BLOCK):
            block = self.rows[:, start : start + BLOCK].float()
            found += block @ block.T
        return found.cpu()

    def give(self, weights: Tensor) -> None:
        """Make the weighted sum of the rows the gradient of the parameters; in float32 the first row becomes it."""
        first, *others = weights.tolist()
        if self.sum.data_ptr() == self.rows.data_ptr():
            self.sum.mul_(first)
        else:
            torch.mul(self.rows[0], first, out=self.sum)
        for row, weight in enumerate(others, start=1):
            self.sum.add_(self.rows[row], alpha=weight)
        self._hand_out()

    def give_columns(self, combine: Callable[[Tensor], Tensor]) -> None:
        """Make the gradient of the parameters from columns of the rows, some at a time.

        Args:
            combine: (rows, n) -> (n,).
        """
        for start in range(0, self.ends[-1], BLOCK):
            columns = slice(start, start + BLOCK)
            self.sum[columns] = combine(self.rows[:, columns].float())
        self._hand_out()

    def _hand_out(self) -> None:
        for number, parameter, place in self._places():
            if self.used[number]:
                parameter.grad = self.sum[place].view_as(parameter).to(parameter.dtype)

    @contextmanager
    def uphill(self, row: int, radius: float) -> Iterator[None]:
        """Within the context the parameters are moved by `radius` along a row; afterwards they are as they were."""
        length = float(torch.linalg.vector_norm(self.rows[row].float()))
        if not self.before.numel():
            self.before = torch.empty(self.ends[-1], device=self.rows.device)
        with torch.no_grad():
            for _, parameter, place in self._places():
                self.before[place].copy_(parameter.reshape(-1))
                parameter.add_(self.rows[row, place].view_as(parameter), alpha=radius / length if length else 0.0)
        try:
            yield
        finally:
            with torch.no_grad():
                for _, parameter, place in self._places():
                    parameter.copy_(self.before[place].view_as(parameter))
