"""Several processes that train one model together: who leads, what is exchanged, and how all stop when one must."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from accord.core import errors
from accord.core.errors import AccordError, InputError
from accord.core.ranks import process_count

__all__ = ["ALONE", "Processes", "join"]

T = TypeVar("T")


class SupportsWeights(Protocol):
    """Whatever has weights by name."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """Weights and buffers."""
        ...


PATIENCE = timedelta(days=7)
"""How long a process waits for the others: one of them may be evaluating a large corpus."""

BUCKET = 1 << 22
"""Numbers that are summed over the processes in one go."""


class Processes:
    """All processes of a run as one of them sees them; a run of one process exchanges nothing.

    The processes hold equal weights. Each takes some chunks of a batch; vectors are exchanged, so that every process
    sees the loss of the whole batch, and gradients are summed once a step.

    Args:
        rank: number of this process, from 0; process 0 leads: it alone writes files and calls back.
        count: how many there are.
    """

    def __init__(self, rank: int, count: int) -> None:
        self.rank = rank
        self.count = count

    def __repr__(self) -> str:
        return f"Processes(rank={self.rank}, count={self.count})"

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def together(self, work: Callable[[], T]) -> T:
        """Do `work` in every process; when it fails in one, all raise the error of the first that failed."""
        if self.count == 1:
            return work()
        value, problem = None, None
        try:
            value = work()
        except Exception as error:
            problem = error
        failed = self._least(self.count if problem is None else self.rank)
        if failed < self.count:
            told = self._tell(_describe(problem, self.rank) if self.rank == failed else None, source=failed)
            if problem is not None and self.rank == failed:
                raise problem
            raise _error(told) from problem
        return value  # type: ignore[return-value]

    def lead(self, work: Callable[[], T]) -> T:
        """Do `work` in the leading process while the others wait, and give its result, a JSON value, to all."""
        value = self.together(lambda: work() if self.leads else None)
        return value if self.count == 1 else self._tell(value, source=0)  # type: ignore[return-value]

    def any(self, flag: bool) -> bool:
        """Whether `flag` is set in some process."""
        return flag if self.count == 1 else self._least(0 if flag else 1) == 0

    def same(self, what: str, value: object) -> None:
        """Check that all processes have one value.

        Raises:
            InputError: they differ.
        """
        if self.count == 1:
            return
        first = self._tell(value, source=0)
        if self.any(json.loads(json.dumps(value)) != first):
            raise InputError(
                f"The {self.count} processes differ in {what}. Give each the same recipe, files and versions."
            )

    def copy_weights(self, modules: Sequence[SupportsWeights]) -> None:
        """Give the weights of the leading process to all."""
        if self.count == 1:
            return
        with _others(self), torch.no_grad():
            for tensor in (tensor for module in modules for tensor in module.state_dict().values()):
                dist.broadcast(tensor, src=0)

    def gather(self, own: dict[int, Tensor], chunks: int) -> list[Tensor]:
        """The outputs of all chunks, detached, in order of their numbers; one process gets its own back.

        Args:
            own: output of each chunk that this process took, with at most two dimensions.
            chunks: how many there are in all processes together; each belongs to one.
        """
        if self.count == 1:
            return [own[k].detach() for k in range(chunks)]
        shapes = torch.zeros(chunks, 3, dtype=torch.int64)
        for k, part in own.items():
            shapes[k] = torch.tensor([part.ndim, *part.shape, *[1] * (2 - part.ndim)])
        device = next(iter(own.values())).device if own else self.device
        with _others(self):
            dist.all_reduce(shapes)
            sizes = shapes[:, 1:].prod(1).tolist()
            flat = torch.zeros(sum(sizes), device=device)
            parts = list(flat.split(sizes))
            for k, part in own.items():
                parts[k].copy_(part.detach().reshape(-1))
            dist.all_reduce(flat)  # each number stands in one process and is 0 in the others
        return [part.reshape(shape[1 : 1 + int(shape[0])].tolist()) for part, shape in zip(parts, shapes)]

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum the gradients of all processes, in place; a parameter without one in every process keeps none."""
        if self.count == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        used = torch.tensor([p.grad is not None for p in trained], dtype=torch.uint8)
        with _others(self):
            dist.all_reduce(used, op=dist.ReduceOp.MAX)
            gradients = [_gradient(p) for p, here in zip(trained, used.tolist()) if here]
            for bucket in _buckets(gradients):
                flat = torch.cat([g.reshape(-1) for g in bucket])
                dist.all_reduce(flat)
                for gradient, part in zip(bucket, flat.split([g.numel() for g in bucket])):
                    gradient.copy_(part.view_as(gradient))

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")

    def _least(self, number: int) -> int:
        value = torch.tensor([number])
        with _others(self):
            dist.all_reduce(value, op=dist.ReduceOp.MIN)
        return int(value)

    def _tell(self, value: object, *, source: int) -> object:
        """A JSON value of one process, in all."""
        content = json.dumps(value).encode() if self.rank == source else b""
        size = torch.tensor([len(content)])
        with _others(self):
            dist.broadcast(size, src=source)
            text = torch.frombuffer(bytearray(content or bytes(int(size))), dtype=torch.uint8)
            dist.broadcast(text, src=source)
        return json.loads(bytes(text.tolist()).decode())


ALONE = Processes(0, 1)


def join() -> Processes:
    """Join the processes that torchrun, or `accord fit --processes`, started with this one.

    Returns:
        :data:`ALONE` for a process that was started by itself.

    Raises:
        InputError: more processes on this machine than accelerators.
    """
    if not dist.is_available() or (not dist.is_initialized() and process_count() == 1):
        return ALONE
    if not dist.is_initialized():
        _form_group()
    count = dist.get_world_size()
    return Processes(dist.get_rank(), count) if count > 1 else ALONE


def _form_group() -> None:
    from accelerate import PartialState

    cuda = torch.cuda.is_available()
    here = int(os.environ.get("LOCAL_WORLD_SIZE", process_count()))
    if cuda and here > torch.cuda.device_count():
        raise InputError(
            f"{here} processes were started here for {torch.cuda.device_count()} GPU(s); each needs its own. "
            "Start fewer, or set CUDA_VISIBLE_DEVICES to nothing to train on the processor."
        )
    PartialState(cpu=not cuda, timeout=PATIENCE, backend="cpu:gloo,cuda:nccl" if cuda else "gloo")


@contextmanager
def _others(processes: Processes) -> Iterator[None]:
    """Say what it means when an exchange breaks off."""
    try:
        yield
    except RuntimeError as error:
        raise AccordError(
            f"Another of the {processes.count} processes of this run has ended, so this one stops too; what went "
            "wrong there is its own message. Go on from the last checkpoint with --resume."
        ) from error


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors of one type together, about :data:`BUCKET` numbers a time."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        full = sum(t.numel() for t in bucket) + tensor.numel() > BUCKET
        if bucket and (full or tensor.dtype != bucket[0].dtype or tensor.device != bucket[0].device):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


def _describe(problem: BaseException | None, rank: int) -> dict[str, str]:
    """An error as JSON."""
    known = isinstance(problem, AccordError) and hasattr(errors, type(problem).__name__)
    if known:
        return {"kind": type(problem).__name__, "message": str(problem)}
    return {"kind": "AccordError", "message": f"Process {rank} stopped: {type(problem).__name__}: {problem}"}


def _error(told: object) -> AccordError:
    assert isinstance(told, dict)
    return getattr(errors, told["kind"])(told["message"])
