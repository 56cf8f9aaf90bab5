"""Any aggregator of TorchJD: UPGrad, PCGrad, MGDA, CAGrad, IMTL-G, Aligned-MTL, Nash-MTL and their like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.training.balance.base import STORAGES, Balancer
from accord.training.balance.torchjd import COLUMNS, GramianBalancer, aggregator

__all__ = ["Aggregated"]


class Aggregated(Described):
    r"""The step is a weighted sum of the tasks' gradients, with the weights of an aggregator of TorchJD.

    .. math:: d = \sum_t w_t(G) \, g_t, \qquad G_{ij} = g_i \cdot g_j

    Each step takes a batch of every task and goes back once a task. Nearly all aggregators look at the T x T inner
    products :math:`G` only, so what they solve is tiny. In a recipe their names stand for themselves:
    ``balance: UPGrad`` or ``balance: {CAGrad: {c: 0.5, every: 4}}``.

    Also known as: Jacobian descent, gradient surgery, multiple gradient descent, gradient aggregation.

    Reference: Quinton & Rey (2024), arXiv:2406.16232 (the frame, and UPGrad); TorchJD's documentation names the paper
    and equation of each aggregator.

    Differs from the paper: a task's gradient is that of its term in the joint loss. Weights are scaled so that
    gradients of one length at right angles give the joint step, and the Gramian is scaled to a mean square length of 1
    before it is solved, unless the aggregator has a memory. `GradDrop` and `TrimmedMean` go by single coordinates and
    have no weights; `ExcessMTL` keeps sums of squares as large as the gradients.

    Args:
        aggregator: a class of `torchjd.aggregation`; `CAGrad` and `NashMTL` need the extra `balance`.
        arguments: of its constructor; a list stands for a tensor.
        every: steps between two solutions. In between the last weights are kept, and a step costs what a joint one
            does.
        storage: "float32", or "bfloat16" for half the memory; gradients take T x parameters x 4 or 2 bytes.

    Raises:
        InputError: no such aggregator or argument, or a value that it refuses.
        MissingExtra: the aggregator needs a solver that is not installed.

    >>> Aggregated(aggregator="MGDA").start(2).scale
    2.0
    """

    def __init__(
        self,
        *,
        aggregator: str = "UPGrad",
        arguments: Mapping[str, Any] | None = None,
        every: int = 1,
        storage: str = "float32",
    ) -> None:
        check_at_least("every", every, 1)
        check_choice("storage", storage, STORAGES)
        _check(aggregator, arguments)
        if every > 1 and aggregator in COLUMNS:
            raise InputError(f"`every` is {every!r}, and {aggregator} has no weights that could be kept. Leave it out.")
        self.aggregator = aggregator
        self.arguments = arguments
        self.every = every
        self.storage = storage

    def start(self, tasks: int, device: torch.device | None = None) -> Balancer:
        """Begin a run; see :class:`~accord.training.balance.base.Balance`."""
        made = GramianBalancer(self.aggregator, dict(self.arguments or {}), tasks, every=self.every, device=device)
        made.storage = self.storage
        return made


def _check(name: str, arguments: Mapping[str, Any] | None) -> None:
    if not (arguments is None or isinstance(arguments, Mapping)):
        raise InputError(f"`arguments` of {name} must be a mapping. Got {arguments!r} instead.")
    aggregator(name, dict(arguments or {}))
