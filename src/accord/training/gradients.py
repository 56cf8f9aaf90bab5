"""Gradients of tasks, batch by batch, kept only as their inner products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.random import torch_generator
from accord.maths.sketch import CountSketch, sketch_error
from accord.training.layer_groups import layer_groups
from accord.training.probe_batches import ProbeBatches

__all__ = ["ALL", "GradientGramians", "gradient_gramians"]

ALL = "all"

Vectors = Mapping[str, Tensor]
"""One gradient, or what is kept of it, by group of layers."""


@dataclass(frozen=True)
class GradientGramians:
    """Inner products of the gradients of all tasks and batches.

    Args:
        owners: (n,) number of the task that each gradient belongs to.
        numbers: (n,) number of the batch within the task.
        groups: (n, n) Gramian of each group of layers, and of all of them together under "all".
        losses: (n,) of the batches.
        tokens: (n,) of the batches.
        error: standard error of a cosine that comes from projecting, at most; 0 where nothing was projected.
    """

    owners: np.ndarray
    numbers: np.ndarray
    groups: Mapping[str, np.ndarray]
    losses: np.ndarray
    tokens: np.ndarray
    error: float = 0.0


def gradient_gramians(
    batches: ProbeBatches,
    *,
    projection: int | None = 65_536,
    held: int = 8,
    seed: int = 0,
    on_gradient: Callable[[int, int], None] | None = None,
    progress: Progress = silent,
) -> GradientGramians:
    r"""The Gramian of the gradients of every task on each of its batches, for each group of layers.

    With a projection, each group of layers keeps a sketch of `projection` numbers of each gradient
    (:class:`~accord.maths.sketch.CountSketch`; smaller groups are kept whole), and one pass is enough. Memory: the
    gradient itself, as much again for the buckets, and the sketches. It adds a standard error of at most
    :math:`1/\sqrt{w}` to a cosine (0.004 by default), well below that of the batches.

    Without one, results are exact, and at most `held` gradients are in memory; where there are more, those that do not
    fit are computed again for each block that does: about n / held passes in place of one.

    Args:
        batches: of the tasks.
        projection: numbers kept of each gradient and group; None for none.
        held: gradients in memory at a time, at least 2, without a projection.
        seed: of the projection.
        on_gradient: called with (task, batch) once for each gradient, while the parameters hold it; it has to leave the
            weights as they were.
        progress: opens the bar.

    Raises:
        InputError: a loss that is not finite, or nothing to train.
    """
    check_at_least("held", held, 2)
    named = {name: p for name, p in batches.model.named_parameters() if p.requires_grad}
    if not named:
        raise InputError("The model has no parameter that needs a gradient: there is nothing to compare.")
    grouped = layer_groups(named)
    places = [(task, k) for task, count in enumerate(batches.counts) for k in range(count)]
    found = _Gradients(batches, places, {g: [named[n] for n in names] for g, names in grouped.items()}, on_gradient)
    sizes = {g: sum(named[n].numel() for n in names) for g, names in grouped.items()}
    with progress("gradients", total=len(places), unit="batches") as advance:
        found.advance = advance
        if projection is None:
            groups = _blockwise(found, len(places), held)
        else:
            sketches = {
                g: CountSketch(size, width=projection, generator=torch_generator(seed, "sketch", g))
                for g, size in sizes.items()
            }
            groups = _products(_stacked([found(i, sketches) for i in range(len(places))]))
    for parameter in named.values():
        parameter.grad = None
    groups[ALL] = np.sum(list(groups.values()), axis=0)
    projected = projection is not None and max(sizes.values()) > projection
    return GradientGramians(
        owners=np.array([task for task, _ in places]),
        numbers=np.array([k for _, k in places]),
        groups=groups,
        losses=found.losses,
        tokens=found.tokens,
        error=sketch_error(projection) if projected and projection else 0.0,
    )


class _Gradients:
    """The gradient of each (task, batch) when it is asked for."""

    def __init__(
        self,
        batches: ProbeBatches,
        places: Sequence[tuple[int, int]],
        parameters: Mapping[str, Sequence[torch.nn.Parameter]],
        on_gradient: Callable[[int, int], None] | None,
    ) -> None:
        self.batches = batches
        self.places = places
        self.parameters = parameters
        self.on_gradient = on_gradient
        self.losses = np.full(len(places), np.nan)
        self.tokens = np.zeros(len(places), dtype=np.int64)
        self.advance: Callable[[int], None] = lambda _: None

    def __call__(self, number: int, sketches: Mapping[str, CountSketch] | None = None) -> Vectors:
        """One gradient by group, as float32 on the CPU; sketched where there are sketches."""
        first = np.isnan(self.losses[number])
        self.losses[number], self.tokens[number] = self.batches.backward(*self.places[number])
        vectors = {
            group: sketches[group](_flat(parameters)) if sketches is not None else _flat(parameters)
            for group, parameters in self.parameters.items()
        }
        if first:
            if self.on_gradient is not None:
                self.on_gradient(*self.places[number])
            self.advance(1)
        return vectors


def _flat(parameters: Sequence[torch.nn.Parameter]) -> Tensor:
    """Their gradients as one vector; what took no part has a gradient of zero."""
    parts = [torch.zeros(p.numel()) if p.grad is None else p.grad.detach().flatten().float().cpu() for p in parameters]
    return torch.cat(parts)


def _stacked(vectors: Sequence[Vectors]) -> dict[str, Tensor]:
    return {group: torch.stack([one[group] for one in vectors]) for group in vectors[0]}


def _products(rows: Mapping[str, Tensor], others: Mapping[str, Tensor] | None = None) -> dict[str, np.ndarray]:
    """Inner products of rows with others, or with each other."""
    others = rows if others is None else others
    return {group: (rows[group] @ others[group].T).double().numpy() for group in rows}


def _blockwise(gradient: Callable[[int], Vectors], n: int, held: int) -> dict[str, np.ndarray]:
    """Exact Gramians with at most `held` gradients in memory."""
    groups: dict[str, np.ndarray] = {}

    def put(rows: slice, columns: slice, products: Mapping[str, np.ndarray]) -> None:
        for group, values in products.items():
            whole = groups.setdefault(group, np.zeros((n, n)))
            whole[rows, columns], whole[columns, rows] = values, values.T

    start = 0
    while start < n:
        stop = n if n - start <= held else start + held - 1  # the last place is for those that pass by
        block = _stacked([gradient(i) for i in range(start, stop)])
        put(slice(start, stop), slice(start, stop), _products(block))
        for i in range(stop, n):
            put(slice(i, i + 1), slice(start, stop), _products(_stacked([gradient(i)]), block))
        start = stop
    return groups
