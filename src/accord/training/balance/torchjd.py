"""The aggregators of TorchJD: by the names of their classes, fed with the inner products of the tasks' gradients."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from accord.core.checks import check_keys, did_you_mean
from accord.core.errors import InputError, MissingExtra
from accord.training.balance.base import Balancer, Seen

__all__ = ["COLUMNS", "GramianBalancer", "aggregator", "aggregators", "config_weights"]

BASES = frozenset({"Aggregator", "GramianWeightedAggregator", "WeightedAggregator"})
COLUMNS = {"GradDrop": "sum", "TrimmedMean": "mean"}
"""Aggregators that look at each coordinate by itself: what they give where the tasks agree."""

WHOLE = frozenset({"ExcessMTL"})
"""Aggregators that weigh tasks, but by each coordinate."""

WARM_UP = "n_warmup_steps"


def _room() -> ModuleType:
    return importlib.import_module("torchjd.aggregation")


@cache
def aggregators() -> tuple[str, ...]:
    """Names of all aggregators that TorchJD has."""
    room = _room()
    kinds = {name: getattr(room, name) for name in room.__all__ if name not in BASES}
    return tuple(sorted(name for name, kind in kinds.items() if issubclass(kind, room.Aggregator)))


def aggregator(name: str, arguments: Mapping[str, Any], *, tasks: int = 2) -> Any:
    """An aggregator of TorchJD.

    Args:
        name: of its class.
        arguments: of its constructor; lists become tensors, `n_tasks` is filled in.
        tasks: how many.

    Raises:
        InputError: no such class or argument, a missing one, or a value that it refuses.
        MissingExtra: it needs a solver that is not installed.
    """
    if name not in aggregators():
        raise InputError(f"Unknown aggregator `{name}`.{did_you_mean(name, aggregators())} Known: {_listed()}.")
    kind = getattr(_room(), name)
    known = inspect.signature(kind).parameters
    check_keys(name, arguments, list(known))
    given = {k: torch.tensor(v, dtype=torch.float64) if isinstance(v, list) else v for k, v in arguments.items()}
    if "n_tasks" in known:
        given.setdefault("n_tasks", tasks)
    missing = [k for k, p in known.items() if p.default is p.empty and k not in given]
    if missing:
        raise InputError(f"{name} lacks the argument `{missing[0]}`: write {{{name}: {{{missing[0]}: ...}}}}.")
    try:
        return kind(**given)
    except ImportError as error:
        raise MissingExtra(f"{name} needs a solver that is not installed: pip install 'accord[balance]'") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {error}") from error


def _listed() -> str:
    return ", ".join(aggregators())


def config_weights(gramian: Tensor, preferences: Tensor) -> Tensor:
    r"""The weights of ConFIG, from inner products alone.

    With unit gradients :math:`\hat g_i` as the rows of :math:`U`, their cosines :math:`C = U U^\top` and preferences
    :math:`p`, :math:`U^+ p = U^\top C^+ p`; so the direction is
    :math:`u = U^\top a / \lVert U^\top a \rVert` with :math:`a = C^+ p`, its length :math:`\sum_i g_i \cdot u`, and

    .. math:: w_i = \Bigl(\sum_j g_j \cdot u\Bigr) \frac{a_i}{\lVert g_i \rVert \sqrt{a^\top C a}}

    Reference: Liu et al. (2024), arXiv:2408.11104, eq. 2.

    Differs from the paper: the pseudo-inverse is that of the T x T cosines, not that of the gradients.

    Args:
        gramian: (tasks, tasks) inner products of the gradients.
        preferences: (tasks,) 1 for each task in the paper.

    Returns:
        (tasks,) zeros where the gradients cancel out; 0 for a task without a gradient.

    >>> config_weights(4 * torch.eye(2), torch.ones(2)).round(decimals=3)
    tensor([1., 1.])
    """
    norms = gramian.diagonal().clamp(min=0).sqrt()
    inverse = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms))
    cosines = gramian * inverse[:, None] * inverse[None, :]
    a = torch.linalg.pinv(cosines, hermitian=True) @ preferences
    along = cosines @ a
    length = (a @ along).clamp(min=0).sqrt()
    if length == 0:
        return torch.zeros_like(a)
    return (norms @ along / length) * a * inverse / length


def root(gramian: Tensor) -> Tensor:
    """(tasks, tasks) a matrix whose rows have these inner products, in the place of the gradients."""
    values, vectors = torch.linalg.eigh(gramian)
    return vectors * values.clamp(min=0).sqrt()


class GramianBalancer(Balancer):
    """Weights of a TorchJD aggregator for one run, solved anew every `every` steps.

    For aggregators without memory the Gramian is divided by the mean of its diagonal first: the directions stay, and
    the thresholds that they have do not depend on how steep the losses are. Weights are scaled so that gradients of one
    length at right angles give 1 for each task: what needs no balancing is a joint step, whether an aggregator sums or
    averages.

    Args:
        name: of the aggregator.
        arguments: of the aggregator.
        tasks: how many.
        every: steps for which weights are kept.
        device: where the gradients are.

    Raises:
        InputError: an aggregator that cannot do with so few tasks.
        MissingExtra: it needs a solver that is not installed.
    """

    def __init__(
        self, name: str, arguments: Mapping[str, Any], tasks: int, *, every: int = 1, device: torch.device | None = None
    ) -> None:
        self.name = name
        self.every = every
        self.device = device
        self.kept = torch.ones(tasks, dtype=torch.float64)
        self.calls = 0
        self.made = aggregator(name, arguments, tasks=tasks)
        try:
            with torch.random.fork_rng(devices=[]):
                self.scale = _scale(name, aggregator(name, arguments, tasks=tasks), tasks)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{name} cannot balance {tasks} tasks: {error}") from error
        if name in COLUMNS:
            self.columns = self._columns

    def _columns(self, block: Tensor) -> Tensor:
        return self.scale * self.made(block)

    def foreseen(self, step: int) -> Tensor | None:
        """The weights of an earlier step, between two that solve."""
        return None if (step - 1) % self.every == 0 else self.kept

    def weights(self, seen: Seen) -> Tensor:
        """The aggregator's weights."""
        size = seen.gramian.diagonal().mean()
        if size == 0:
            return torch.ones_like(self.kept)
        if self.name in WHOLE:
            found = self.made.weighting(seen.gradients.float()).cpu().double()
        else:
            found = _weights(self.made, seen.gramian if hasattr(self.made, "reset") else seen.gramian / size)
        self.calls += 1
        self.kept = self.scale * found.double()
        return self.kept

    def tensors(self) -> dict[str, Tensor]:
        """The last weights, and what the aggregator itself remembers."""
        held = {f"aggregator/{key}": torch.as_tensor(value) for key, value in _memory(self.made).items()}
        return {"kept": self.kept, "calls": torch.tensor(self.calls), **held}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Bring the aggregator back to where it was: called as often as its memory takes shape, then filled."""
        self.kept, self.calls = tensors["kept"], int(tensors["calls"])
        held = {k.removeprefix("aggregator/"): v for k, v in tensors.items() if k.startswith("aggregator/")}
        if not held:
            return
        tasks = len(self.kept)
        shape = next((v.shape for v in held.values() if v.ndim == 2 and v.shape != (tasks, tasks)), (tasks, tasks))
        with torch.random.fork_rng(devices=[]):
            for _ in range(min(self.calls, 1 + getattr(self.made, WARM_UP, 0))):
                if self.name in WHOLE:
                    self.made.weighting(torch.ones(shape, device=self.device))
                else:
                    _weights(self.made, torch.eye(tasks, dtype=torch.float64))
        _remember(self.made, held)


def _scale(name: str, made: Any, tasks: int) -> float:
    """What makes the weights of gradients of one length at right angles 1 on average."""
    if name in COLUMNS:
        made(torch.ones(tasks, 1))
        return 1.0 if COLUMNS[name] == "sum" else float(tasks)
    if name in WHOLE:
        return float(tasks)
    total = float(_weights(made, torch.eye(tasks, dtype=torch.float64)).sum())
    if not total > 0:
        raise ValueError(f"its weights must have a positive sum, and that of equal tasks is {total:g}.")
    return tasks / total


def _weights(made: Any, gramian: Tensor) -> Tensor:
    """(tasks,) weights of an aggregator for these inner products."""
    if type(made).__name__ == "ConFIG":
        return config_weights(gramian, made.weighting(gramian).double())
    weighting = getattr(made, "gramian_weighting", None)
    return made.weighting(root(gramian)) if weighting is None else weighting(gramian)


def _memory(made: Any) -> dict[str, Any]:
    """What a stateful aggregator of TorchJD remembers: buffers, and public arrays and counters of its weighting."""
    if not hasattr(made, "reset"):
        return {}
    found: dict[str, Any] = dict(made.named_buffers())
    inner = getattr(made, "weighting", None)
    public = {k: v for k, v in vars(inner).items() if k[0] != "_"} if inner is not None else {}
    return found | {k: v for k, v in public.items() if isinstance(v, np.ndarray) or (k == "step")}


def _remember(made: Any, held: Mapping[str, Tensor]) -> None:
    """Put the memory of :func:`_memory` back."""
    buffers = dict(made.named_buffers())
    for key, value in held.items():
        if key in buffers:
            buffers[key].copy_(value)
        else:
            before = vars(made.weighting)[key]
            setattr(made.weighting, key, value.numpy() if isinstance(before, np.ndarray) else value.item())
