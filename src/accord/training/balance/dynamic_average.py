"""Dynamic weight averaging: tasks whose losses fall slowly count for more."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from accord.core.checks import check_at_least, check_positive
from accord.core.spec import Described
from accord.training.balance.base import Balancer, Seen

__all__ = ["DynamicAverage", "dynamic_average"]


def dynamic_average(last: Tensor, before: Tensor, *, temperature: float = 2.0) -> Tensor:
    r"""Weights from the rate at which losses fall.

    .. math:: w_t = T \, \mathrm{softmax}_t(r_t / \tau), \qquad r_t = L_t(k-1) / L_t(k-2)

    Reference: Liu et al. (2019), arXiv:1803.10704, eq. 7.

    Differs from the paper: losses may be means over any number of steps; a task whose earlier loss was 0 has r = 1.

    Args:
        last: (tasks,) mean losses of the last period.
        before: (tasks,) of the period before it.
        temperature: > 0; large ones give equal weights.

    Returns:
        (tasks,) weights of mean 1.

    >>> dynamic_average(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 2.0]))
    tensor([1.1244, 0.8756])
    """
    rates = torch.where(before > 0, last / before, torch.ones_like(last))
    return len(rates) * torch.softmax(rates / temperature, dim=0)


class DynamicAverage(Described):
    """Weights from the mean losses of the last two periods of some steps; 1 for each until there are two.

    A step costs what a joint one does.

    Also known as: DWA, dynamic weight average.

    Reference: Liu et al. (2019), arXiv:1803.10704, eq. 7.

    Differs from the paper: a period is a number of steps, not an epoch; the weights stand on the terms of the joint
    loss.

    Args:
        temperature: > 0; large ones give equal weights.
        period: steps that a mean is taken over, at least 1.
    """

    def __init__(self, *, temperature: float = 2.0, period: int = 10) -> None:
        check_positive("temperature", temperature)
        check_at_least("period", period, 1)
        self.temperature = temperature
        self.period = period

    def start(self, tasks: int, device: torch.device | None = None) -> Balancer:
        """Begin a run; see :class:`~accord.training.balance.base.Balance`."""
        del device
        return _Periods(tasks, self.period, self.temperature)


class _Periods(Balancer):
    """Sums of losses: of the period that runs, of the last and of the one before it."""

    def __init__(self, tasks: int, period: int, temperature: float) -> None:
        self.period = period
        self.temperature = temperature
        self.sums = torch.zeros(3, tasks, dtype=torch.float64)
        self.steps = 0

    def foreseen(self, step: int) -> Tensor:
        del step
        if self.steps < 2 * self.period:
            return torch.ones_like(self.sums[0])
        return dynamic_average(self.sums[1], self.sums[2], temperature=self.temperature)

    def weights(self, seen: Seen) -> Tensor:
        del seen
        return self.foreseen(0)

    def learn(self, losses: Tensor) -> None:
        self.sums[0] += losses.double()
        self.steps += 1
        if self.steps % self.period == 0:
            self.sums = torch.stack([torch.zeros_like(losses).double(), self.sums[0], self.sums[1]])

    def tensors(self) -> dict[str, Tensor]:
        return {"sums": self.sums, "steps": torch.tensor(self.steps)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.sums, self.steps = tensors["sums"].clone(), int(tensors["steps"])
