"""A merge carried out piece by piece: read, surveyed where the method asks for it, merged in float32, written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from operator import iadd
from typing import Any

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.merging.base import MergeMethod, Piece
from accord.merging.mapped import TORCH, MappedFiles
from accord.merging.measures import Sums, check_finite_tensors, is_finite, measure_piece
from accord.merging.plan import MergePlan, TensorPlan
from accord.merging.threads import Pool, pool, workers
from accord.merging.weight_files import Stored
from accord.merging.writer import WeightsWriter

__all__ = ["execute"]

Place = tuple[WeightsWriter, str]
"""A file and a tensor's name in it."""


@dataclass(frozen=True)
class _Cut:
    """Some rows of a tensor."""

    tensor: TensorPlan
    first: int
    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the rows."""
        whole = self.tensor.shape
        if self.count == self.tensor.elements or not whole:
            return whole
        return (self.count // (self.tensor.elements // whole[0]), *whole[1:])

    @property
    def stored(self) -> list[Stored]:
        """Where the experts have it, then the base."""
        return [*self.tensor.experts, *([] if self.tensor.base is None else [self.tensor.base])]


def execute(
    plan: MergePlan, places: Mapping[str, Place], *, threads: int | None = None, progress: Progress = silent
) -> Sums | None:
    """Merge all tensors of a plan.

    Args:
        plan: passed every check.
        places: where each tensor is written.
        threads: at work; :func:`workers` when not given. The result does not depend on it.
        progress: opens the bar.

    Returns:
        Sums over the model, where there is a base.

    Raises:
        InputError: NaN or infinity in a model or in the result, or a tensor that cannot be merged and differs.
    """
    threads = threads or workers()
    with (
        MappedFiles() as files,
        pool(threads) as threaded,
        progress("merge", total=plan.elements, unit="numbers") as advance,
    ):
        run, total = _Run(plan, places, files, threaded, 2 * threads), None
        try:
            for count, sums in run.results():
                advance(count)
                total = sums if total is None else total if sums is None else total + sums
        except BaseException:
            threaded.shutdown(wait=True, cancel_futures=True)
            raise
        return total


class _Run:
    def __init__(
        self, plan: MergePlan, places: Mapping[str, Place], files: MappedFiles, pool: Pool, ahead: int
    ) -> None:
        self.plan = plan
        self.places = places
        self.files = files
        self.pool = pool
        self.ahead = ahead
        use = plan.use
        self.names = [model.name for model in (*use.experts, *([use.base] if use.base else []))]

    def results(self) -> Iterator[tuple[int, Sums | None]]:
        """Elements done and their sums, in the order of the plan."""
        shared = self._global_surveys()
        return self._in_turn(self._tasks(shared))

    def _global_surveys(self) -> list[Any]:
        """Sums over the model, one a pass, for methods whose scope is global."""
        surveyed = [t for t in self.plan.tensors if t.method is not None and t.method.scope == "global"]
        found: list[Any] = []
        for number in range(max((_method(t).passes for t in surveyed), default=0)):
            cuts = (cut for t in surveyed if _method(t).passes > number for cut in _cuts(t))
            found.append(self._sum(cuts, found))
        return found

    def _tasks(self, shared: Sequence[Any]) -> Iterator[Callable[[], tuple[int, Sums | None]]]:
        for tensor in self.plan.tensors:
            method = tensor.method
            if method is None:
                yield lambda tensor=tensor: self._copy(tensor)
                continue
            cuts = list(_cuts(tensor))
            if method.scope == "global":
                surveys: list[Any] | None = list(shared[: method.passes])
            elif len(cuts) == 1:
                surveys = None  # the piece surveys itself
            else:
                surveys = []
                for _ in range(method.passes):
                    surveys.append(self._sum(cuts, surveys))
            for cut in cuts:
                yield lambda cut=cut, surveys=surveys: self._merge(cut, surveys)

    def _sum(self, cuts: Iterable[_Cut], before: Sequence[Any]) -> Any:
        known, total = list(before), None
        for found in self._in_turn((lambda cut=cut: self._survey(cut, known)) for cut in cuts):
            total = found if total is None else iadd(total, found)
        return total

    def _survey(self, cut: _Cut, before: Sequence[Any]) -> Any:
        piece = self._piece(cut)
        found = _method(cut.tensor).survey(piece, before)
        self._release(cut)
        return found

    def _merge(self, cut: _Cut, surveys: Sequence[Any] | None) -> tuple[int, Sums | None]:
        method, piece = _method(cut.tensor), self._piece(cut)
        if surveys is None:
            surveys = []
            for _ in range(method.passes):
                surveys.append(method.survey(piece, surveys))
        merged = method.merge(piece, surveys).detach()
        stored = merged.to(TORCH[cut.tensor.dtype])
        if not is_finite(stored):  # where the inputs were not looked at, they may be why
            inputs = [*piece.experts, *([] if piece.base is None else [piece.base])]
            check_finite_tensors(cut.tensor.name, inputs, self.names)
            check_finite_tensors(cut.tensor.name, [stored.float()], ["the result"])
        sums = self._measure(cut, piece, merged, stored)
        writer, name = self.places[cut.tensor.name]
        writer.write(name, cut.first, stored)
        self._release(cut)
        return cut.count, sums

    def _measure(self, cut: _Cut, piece: Piece, merged: Tensor, stored: Tensor) -> Sums | None:
        if cut.tensor.base is None:
            return None
        base = piece.base
        assert base is not None
        rounded = any(one.dtype in {"F16", "BF16"} for one in cut.tensor.experts)
        return measure_piece(piece.deltas, base, merged, stored, rounded=rounded)

    def _piece(self, cut: _Cut) -> Piece:
        numbers = [self.files.read(one, cut.first, cut.count).float().view(cut.shape) for one in cut.stored]
        if not _method(cut.tensor).linear:
            check_finite_tensors(cut.tensor.name, numbers, self.names)
        for number, change in enumerate(cut.tensor.changes):
            if change is not None:  # an adapter's, of a matrix
                first = cut.first // cut.shape[1]
                numbers[number] = numbers[number] + change.rows(first, first + cut.shape[0])
        count = len(cut.tensor.experts)
        return Piece(
            name=cut.tensor.name,
            experts=numbers[:count],
            base=numbers[count] if cut.tensor.base is not None else None,
            first=cut.first,
            shape=cut.tensor.shape,
            seed=self.plan.use.seed,
        )

    def _release(self, cut: _Cut) -> None:
        for stored in cut.stored:
            self.files.release(stored, cut.count)

    def _copy(self, tensor: TensorPlan) -> tuple[int, Sums | None]:
        """A tensor that holds no numbers to merge; it must be the same in all models."""
        count = tensor.elements
        numbers = [self.files.read(stored, 0, count) for stored in tensor.experts]
        for other, owner in zip(numbers[1:], self.names[1:]):
            if other.dtype != numbers[0].dtype or not torch.equal(other, numbers[0]):
                raise InputError(
                    f"`{tensor.name}` holds whole numbers that differ between {self.names[0]} and {owner}: rows of one "
                    "are not those of the other. Models whose tables are laid out differently cannot be merged."
                )
        writer, name = self.places[tensor.name]
        writer.write(name, 0, numbers[0])
        return count, None

    def _in_turn(self, tasks: Iterable[Callable[[], Any]]) -> Iterator[Any]:
        """What the tasks give, in their order, with a few under way."""
        waiting: deque[Future[Any]] = deque()
        for task in tasks:
            waiting.append(self.pool.submit(task))
            if len(waiting) >= self.ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _method(tensor: TensorPlan) -> MergeMethod:
    assert tensor.method is not None, "copied tensors are not surveyed"
    return tensor.method


def _cuts(tensor: TensorPlan) -> Iterator[_Cut]:
    for first in range(0, tensor.elements, max(tensor.piece, 1)):
        yield _Cut(tensor, first, min(tensor.piece, tensor.elements - first))
    if not tensor.elements:
        yield _Cut(tensor, 0, 0)
