"""Flat regions: sharpness-aware gradients of each task, balanced in two parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.training.balance.base import Balance, Balancer, Seen
from accord.training.balance.torchjd import COLUMNS, GramianBalancer, aggregator

__all__ = ["FlatRegions"]


class FlatRegions(Described):
    r"""Each task's gradient is taken at the weights and a little uphill; its two parts are balanced, each by itself.

    .. math::
        \theta_t = \theta + \rho \, g_t / \lVert g_t \rVert, \qquad
        h_t = \nabla L_t(\theta_t) - g_t, \qquad
        d = \sum_t w_t \, g_t + \sum_t v_t \, h_t

    :math:`g_t = \nabla L_t(\theta)` leads to a low loss and :math:`h_t` to a flat one: to first order it is
    :math:`\rho \nabla \lVert g_t \rVert`. The inner balancer finds w from the inner products of the g, and v from those
    of the h.

    A step goes back twice a task. Gradients take 2 x T x parameters x 4 bytes, and the weights are kept once more: they
    come back bit for bit after each task.

    Also known as: FS-MTL, multi-task sharpness-aware minimisation, SAM.

    Reference: Phan et al. (2022), arXiv:2211.13723, algorithm 1; the way uphill is that of Foret et al.
    (2021), arXiv:2010.01412, eq. 2.

    Differs from the paper: weights that an objective brings along do not go uphill, but their gradient is taken there;
    both parts have the scale of :class:`~accord.training.balance.aggregated.Aggregated`.

    Args:
        rho: how far uphill, > 0.
        inner: balances each part: an aggregator of TorchJD by name, ``{Name: {arguments}}``, or a balancer.

    Raises:
        InputError: an inner balancer that has no weights, or is itself of this kind.

    >>> FlatRegions(inner={"Krum": {"n_byzantine": 1}})
    FlatRegions(inner={'Krum': {'n_byzantine': 1}})
    """

    def __init__(self, *, rho: float = 0.05, inner: str | Mapping[str, Any] | Balance = "UPGrad") -> None:
        check_positive("rho", rho)
        if isinstance(inner, Described) and isinstance(inner, FlatRegions):
            raise InputError("`inner` of FlatRegions must be another kind of balancer. Got FlatRegions instead.")
        if isinstance(inner, (str, Mapping)):
            aggregator(*_named(inner))
        self.rho = rho
        self.inner = inner

    def start(self, tasks: int, device: torch.device | None = None) -> Balancer:
        """Begin a run; see :class:`~accord.training.balance.base.Balance`."""
        return _Parts(self.rho, [_inner(self.inner, tasks, device) for _ in range(2)])


class _Parts(Balancer):
    """A balancer for low losses and one for flat ones."""

    def __init__(self, rho: float, parts: Sequence[Balancer]) -> None:
        for part in parts:
            if part.columns is not None or part.storage != "float32":
                raise InputError(
                    "`inner` of FlatRegions must give weights, and keep gradients in float32: what flatness adds is "
                    f"small. {' and '.join(COLUMNS)} and `storage: bfloat16` do not go with it."
                )
        self.radius = rho
        self.parts = dict(zip(("low", "flat"), parts))
        self.lr_factor = parts[0].lr_factor
        self.step = 0

    def foreseen(self, step: int) -> None:
        self.step = step

    def weights(self, seen: Seen) -> Tensor:
        tasks = len(seen.losses)
        found = []
        for part, rows in zip(self.parts.values(), (slice(0, tasks), slice(tasks, 2 * tasks))):
            kept = part.foreseen(self.step)
            own = replace(seen, gramian=seen.gramian[rows, rows], gradients=seen.gradients[rows])
            found.append(part.weights(own) if kept is None else kept)
        return torch.cat(found)

    def learn(self, losses: Tensor) -> None:
        for part in self.parts.values():
            part.learn(losses)

    def parameters(self) -> Sequence[nn.Parameter]:
        return [parameter for part in self.parts.values() for parameter in part.parameters()]

    def tensors(self) -> dict[str, Tensor]:
        return {f"{name}/{key}": t for name, part in self.parts.items() for key, t in part.tensors().items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        for name, part in self.parts.items():
            part.restore({k.removeprefix(f"{name}/"): t for k, t in tensors.items() if k.startswith(f"{name}/")})


def _named(inner: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and arguments of an aggregator."""
    if isinstance(inner, str):
        return inner, {}
    if len(inner) != 1:
        raise InputError(f"`inner` must be `Name` or `{{Name: {{arguments}}}}`. Got {dict(inner)!r} instead.")
    name, arguments = next(iter(inner.items()))
    return str(name), dict(arguments or {})


def _inner(inner: str | Mapping[str, Any] | Balance, tasks: int, device: torch.device | None) -> Balancer:
    if isinstance(inner, (str, Mapping)):
        return GramianBalancer(*_named(inner), tasks, device=device)
    return inner.start(tasks, device)
