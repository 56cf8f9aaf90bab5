"""One loss over a whole batch, the encoder a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["full_graph", "grad_cache"]

Forward = Callable[[int], Tensor]
"""Encode chunk k: (rows of the chunk, dim), with its gradient graph; the same numbers each time it is called."""

Loss = Callable[[Tensor], Tensor]
"""From all vectors (rows, dim) to the scalar loss of the batch."""


def full_graph(forward: Forward, chunks: int, loss: Loss) -> Tensor:
    """Encode all chunks, keep their graphs, take one loss and go back once.

    Short rows are not padded to the length of long ones, and the loss still sees the whole batch. Memory grows with the
    batch; :func:`grad_cache` gives the same gradients in the memory of one chunk, for one more forward pass.

    Args:
        forward: encodes chunk k.
        chunks: how many.
        loss: of the concatenated vectors.

    Returns:
        The loss, detached; gradients are added to the parameters.
    """
    value = loss(torch.cat([forward(k) for k in range(chunks)]))
    value.backward()
    return value.detach()


def grad_cache(forward: Forward, chunks: int, loss: Loss) -> Tensor:
    r"""The gradients of the full batch in the memory of one chunk.

    (1) Encode every chunk without a graph. (2) Take the loss of the full batch and its gradient with respect to the
    vectors. (3) Encode every chunk again, with its graph, and go back from that gradient:

    .. math:: \nabla_\theta L = \sum_k (\partial L / \partial v_k)^\top \, \partial v_k / \partial \theta

    Also known as: GradCache, gradient caching, cached loss.

    Reference: Gao et al. (2021), arXiv:2101.06983, eq. 6-8.

    Differs from the paper: dropout is repeated because `forward` is a function of the chunk's number alone.

    Args:
        forward: encodes chunk k, with the same dropout masks at each call.
        chunks: how many.
        loss: of the concatenated vectors.

    Returns:
        The loss, detached; gradients are added to the parameters.
    """
    with torch.no_grad():  # (1)
        parts: Sequence[Tensor] = [forward(k) for k in range(chunks)]
    vectors = torch.cat(list(parts)).requires_grad_()
    value = loss(vectors)  # (2)
    (gradient,) = torch.autograd.grad(value, vectors)
    start = 0
    for k, part in enumerate(parts):  # (3)
        forward(k).backward(gradient[start : start + len(part)])
        start += len(part)
    return value.detach()
