"""One loss over a whole batch, the model a chunk at a time, the chunks divided among processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from accord.training.processes import ALONE, Processes

__all__ = ["full_graph", "grad_cache"]

Forward = Callable[[int], Tensor]
"""Outputs of chunk k, (rows of the chunk, width), with their gradient graph; the same numbers at each call."""

Loss = Callable[[Sequence[Tensor]], Tensor]
"""From the outputs of all chunks, in order, to the scalar loss of the batch."""


def full_graph(
    forward: Forward, chunks: int, loss: Loss, *, processes: Processes = ALONE, own: Sequence[int] | None = None
) -> Tensor:
    """Pass all chunks through the model, keep their graphs, take one loss and go back once.

    Short rows are not padded to the length of long ones, and the loss still sees the whole batch. Memory grows with the
    batch; :func:`grad_cache` gives the same gradients in the memory of one chunk, for one more forward pass.

    Args:
        forward: outputs of chunk k.
        chunks: how many.
        loss: of the outputs of all chunks.
        processes: that share the work; their gradients must still be summed.
        own: chunks that this process takes; all of them when not given.

    Returns:
        The loss, detached; gradients are added to the parameters.
    """
    mine = list(range(chunks) if own is None else own)
    parts = processes.together(lambda: {k: forward(k) for k in mine})
    outputs = processes.gather(parts, chunks)
    value, gradients = processes.together(lambda: _at_outputs(loss, outputs, mine))
    processes.together(lambda: torch.autograd.backward([parts[k] for k in mine], gradients))
    return value


def grad_cache(
    forward: Forward, chunks: int, loss: Loss, *, processes: Processes = ALONE, own: Sequence[int] | None = None
) -> Tensor:
    r"""The gradients of the full batch in the memory of one chunk.

    (1) Pass every chunk through the model without a graph. (2) Take the loss of the full batch and its gradient with
    respect to the outputs. (3) Pass every chunk again, with its graph, and go back from that gradient:

    .. math:: \nabla_\theta L = \sum_k (\partial L / \partial v_k)^\top \, \partial v_k / \partial \theta

    Also known as: GradCache, gradient caching, cached loss, CachedMultipleNegativesRankingLoss.

    Reference: Gao et al. (2021), arXiv:2101.06983, eq. 6-8.

    Differs from the paper: dropout is repeated because `forward` is a function of the chunk's number alone; several
    processes exchange the outputs once and their gradients once a step, not once a chunk.

    Args:
        forward: outputs of chunk k, with the same dropout masks at each call.
        chunks: how many.
        loss: of the outputs of all chunks.
        processes: that share the work; their gradients must still be summed.
        own: chunks that this process takes; all of them when not given.

    Returns:
        The loss, detached; gradients are added to the parameters.
    """
    mine = list(range(chunks) if own is None else own)
    with torch.no_grad():  # (1)
        parts = processes.together(lambda: {k: forward(k) for k in mine})
    outputs = processes.gather(parts, chunks)
    value, gradients = processes.together(lambda: _at_outputs(loss, outputs, mine))  # (2)

    def backward() -> None:
        for k, gradient in zip(mine, gradients):
            forward(k).backward(gradient)

    processes.together(backward)  # (3)
    return value


def _at_outputs(loss: Loss, outputs: Sequence[Tensor], mine: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
    """The loss of all outputs, and its gradient with respect to those of some chunks; its own weights get theirs."""
    leaves = [part.requires_grad_() for part in outputs]
    value = loss(leaves)
    value.backward()
    gradients = [leaves[k].grad for k in mine]
    return value.detach(), [torch.zeros_like(leaves[k]) if g is None else g for k, g in zip(mine, gradients)]
