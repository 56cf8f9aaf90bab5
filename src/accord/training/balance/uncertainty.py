"""Uncertainty weighting: each task's weight is learned as the inverse of its noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.training.balance.base import Balancer, Seen

__all__ = ["Uncertainty", "uncertainty"]


def uncertainty(losses: Tensor, log_variances: Tensor) -> Tensor:
    r"""The loss of homoscedastic uncertainty, twice that of the paper.

    .. math:: \sum_t e^{-s_t} L_t + s_t, \qquad s_t = \log \sigma_t^2

    Reference: Kendall et al. (2018), arXiv:1705.07115, eq. 10; as log variances in section 3.2.

    Differs from the paper: doubled, so that :math:`s = 0` is the joint step; every task counts as classification or
    as regression alike.

    Args:
        losses: (tasks,) not weighted.
        log_variances: (tasks,) s.

    Returns:
        A scalar, least over s at :math:`s_t = \log L_t`, where the weight of a task is 1 over its loss.

    >>> uncertainty(torch.tensor([2.0, 0.5]), torch.zeros(2))
    tensor(2.5000)
    """
    return (torch.exp(-log_variances) * losses + log_variances).sum()


class Uncertainty(Described):
    r"""Weights :math:`e^{-s_t}` with learned log variances; a task whose loss stays high counts for less.

    A step costs what a joint one does. The log variances start at 0 and have an optimiser group of their own, without
    decay, whose learning rate follows the schedule.

    Also known as: homoscedastic uncertainty, UW, Kendall's weighting.

    Reference: Kendall et al. (2018), arXiv:1705.07115, eq. 10.

    Differs from the paper: see :func:`uncertainty`; the weights stand on the terms of the joint loss.

    Args:
        lr_factor: multiplies the learning rate for the log variances, > 0: the encoder's is far too small for them.
    """

    def __init__(self, *, lr_factor: float = 200.0) -> None:
        check_positive("lr_factor", lr_factor)
        self.lr_factor = lr_factor

    def start(self, tasks: int, device: torch.device | None = None) -> Balancer:
        """Begin a run; see :class:`~accord.training.balance.base.Balance`."""
        return _Learned(tasks, device, self.lr_factor)


class _Learned(Balancer):
    """The log variances of a run."""

    def __init__(self, tasks: int, device: torch.device | None, lr_factor: float) -> None:
        self.log_variances = nn.Parameter(torch.zeros(tasks, device=device))
        self.lr_factor = lr_factor

    def foreseen(self, step: int) -> Tensor:
        del step
        return torch.exp(-self.log_variances.detach()).cpu().double()

    def weights(self, seen: Seen) -> Tensor:
        del seen
        return self.foreseen(0)

    def learn(self, losses: Tensor) -> None:
        held = losses.to(self.log_variances)
        (self.log_variances.grad,) = torch.autograd.grad(uncertainty(held, self.log_variances), self.log_variances)

    def parameters(self) -> Sequence[nn.Parameter]:
        return [self.log_variances]

    def tensors(self) -> dict[str, Tensor]:
        return {"log_variances": self.log_variances.detach()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            self.log_variances.copy_(tensors["log_variances"])
