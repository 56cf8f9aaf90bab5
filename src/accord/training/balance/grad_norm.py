"""GradNorm: weights under which all tasks learn at one pace, learned from the lengths of their gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice, check_positive
from accord.core.spec import Described
from accord.training.balance.base import STORAGES, Balancer, Seen

__all__ = ["GradNorm", "grad_norm"]

LEAST = 0.01
"""The smallest weight: at 0 a task would be forgotten for good."""


def grad_norm(weights: Tensor, norms: Tensor, losses: Tensor, first: Tensor, *, alpha: float = 1.5) -> Tensor:
    r"""How far the tasks' weighted gradients are from lengths that would have all of them learn at one pace.

    .. math::
        \sum_t \Bigl| w_t \lVert g_t \rVert - \bar G \, r_t^\alpha \Bigr|, \qquad
        \bar G = \tfrac{1}{T} \sum_t w_t \lVert g_t \rVert, \quad
        r_t = \frac{L_t / L_t(0)}{\tfrac{1}{T} \sum_u L_u / L_u(0)}

    The target :math:`\bar G r_t^\alpha` stands still when the gradient for the weights is taken.

    Reference: Chen et al. (2018), arXiv:1711.02257, eq. 2 and section 3.

    Differs from the paper: nothing.

    Args:
        weights: (tasks,) w.
        norms: (tasks,) lengths of the gradients without their weights.
        losses: (tasks,) of now.
        first: (tasks,) of the first step.
        alpha: strength with which slow tasks are helped, at least 0.

    Returns:
        A scalar, at least 0.

    >>> ones = torch.ones(2)
    >>> grad_norm(ones, torch.tensor([3.0, 1.0]), ones, ones)
    tensor(2.)
    """
    ratios = losses / first.clamp(min=torch.finfo(first.dtype).tiny)
    rates = ratios / ratios.mean().clamp(min=torch.finfo(first.dtype).tiny)
    lengths = weights * norms
    target = (lengths.mean() * rates**alpha).detach()
    return (lengths - target).abs().sum()


class GradNorm(Described):
    """Weights that are learned so that slow tasks get long gradients and fast ones short ones.

    Each step goes back once a task. The weights start at 1, keep a mean of 1, and have an optimiser group of their own,
    without decay, whose learning rate follows the schedule.

    Also known as: gradient normalization.

    Reference: Chen et al. (2018), arXiv:1711.02257, algorithm 1.

    Differs from the paper: the weights stand on the terms of the joint loss; none falls below 0.01.

    Args:
        alpha: strength with which slow tasks are helped, at least 0.
        norms: "last" measures gradients on the last weight matrix that is trained, as in the paper; "all" on all.
        lr_factor: multiplies the learning rate for the weights, > 0: the encoder's is far too small for them.
        storage: "float32", or "bfloat16" for half the memory; gradients take T x parameters x 4 or 2 bytes.
    """

    def __init__(
        self, *, alpha: float = 1.5, norms: str = "last", lr_factor: float = 200.0, storage: str = "float32"
    ) -> None:
        check_at_least("alpha", alpha, 0)
        check_choice("norms", norms, ("last", "all"))
        check_positive("lr_factor", lr_factor)
        check_choice("storage", storage, STORAGES)
        self.alpha = alpha
        self.norms = norms
        self.lr_factor = lr_factor
        self.storage = storage

    def start(self, tasks: int, device: torch.device | None = None) -> Balancer:
        """Begin a run; see :class:`~accord.training.balance.base.Balance`."""
        return _Learned(self, tasks, device)


class _Learned(Balancer):
    """The weights of a run, and the losses that it began with."""

    def __init__(self, told: GradNorm, tasks: int, device: torch.device | None) -> None:
        self.told = told
        self.lr_factor = told.lr_factor
        self.storage = told.storage
        self.learned = nn.Parameter(torch.ones(tasks, device=device))
        self.first = torch.zeros(tasks, dtype=torch.float64)

    def weights(self, seen: Seen) -> Tensor:
        with torch.no_grad():
            self.learned.clamp_(min=LEAST)
            self.learned.mul_(len(self.learned) / self.learned.sum())
        if not self.first.any():
            self.first = seen.losses.double()
        if self.told.norms == "last":
            norms = seen.gradients[:, seen.last].float().norm(dim=1)
        else:
            norms = seen.gramian.diagonal().clamp(min=0).sqrt()
        held, lengths, losses, first = (
            x.to(self.learned) for x in (self.learned.detach(), norms, seen.losses, self.first)
        )
        held.requires_grad_()
        value = grad_norm(held, lengths, losses, first, alpha=self.told.alpha)
        (self.learned.grad,) = torch.autograd.grad(value, held)
        return self.learned.detach().cpu().double()

    def parameters(self) -> Sequence[nn.Parameter]:
        return [self.learned]

    def tensors(self) -> dict[str, Tensor]:
        return {"learned": self.learned.detach(), "first": self.first}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            self.learned.copy_(tensors["learned"])
        self.first = tensors["first"].clone()
