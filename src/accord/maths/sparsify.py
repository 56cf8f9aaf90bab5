"""Ways of keeping some elements of a change and dropping the rest, so that several changes get out of each other's way.

What keeps by size is told between which magnitudes (see :mod:`accord.maths.selection`); what keeps by chance is told
which uniform numbers to use (see :mod:`accord.maths.element_random`).
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["keep_at_random", "keep_between", "keep_by_rank", "keep_largest", "spread"]


def keep_largest(delta: Tensor, least: float | Tensor) -> Tensor:
    """Drop what is smaller than a magnitude.

    Also known as: top-k trimming, magnitude pruning.

    Args:
        delta: of any shape.
        least: the smallest magnitude that stays; a number, or a tensor that broadcasts.

    Returns:
        Of its shape, zero where elements were dropped; `delta` itself where none can be.

    >>> keep_largest(torch.tensor([3.0, -1.0, -2.0]), 2.0)
    tensor([ 3.,  0., -2.])
    """
    if isinstance(least, Tensor):
        return delta * (delta.detach().abs() >= least)
    # `hardshrink` keeps what is strictly above, many times as fast as a mask.
    return F.hardshrink(delta, float(np.nextafter(np.float32(least), np.float32(-math.inf)))) if least > 0 else delta


def keep_between(delta: Tensor, least: float | Tensor, most: float | Tensor) -> Tensor:
    """Drop what is smaller than one magnitude or larger than another.

    Also known as: two-sided masking; the breadcrumbs mask.

    Args:
        delta: of any shape.
        least: the smallest magnitude that stays.
        most: the largest that stays.

    Returns:
        A fresh tensor, zero where elements were dropped.

    >>> keep_between(torch.tensor([3.0, -1.0, -2.0]), 2.0, 2.5)
    tensor([ 0.,  0., -2.])
    """
    if isinstance(most, Tensor):
        return keep_largest(delta * (delta.detach().abs() <= most), least)
    inner = delta - F.hardshrink(delta, most)
    return keep_largest(inner, least)


def keep_at_random(delta: Tensor, uniforms: Tensor, density: float, *, rescale: bool = True) -> Tensor:
    r"""Keep each element with the same probability, and make up for those that are dropped: :math:`m \odot \delta / d`.

    Also known as: drop and rescale, DARE; dropout on a change of weights.

    Reference: Yu et al. (2024), Language Models are Super Mario, arXiv:2311.03099, eq. 3-5.

    Args:
        delta: of any shape.
        uniforms: as many numbers in [0, 1).
        density: d, the probability of staying.
        rescale: divide by d, so that the expectation stays.

    Returns:
        A fresh tensor, zero where elements were dropped.

    >>> keep_at_random(torch.tensor([3.0, -1.0]), torch.tensor([0.1, 0.9]), 0.5)
    tensor([6., -0.])
    """
    kept = torch.from_numpy((uniforms.numpy() < np.float32(density)).astype(np.float32))
    return delta * kept.view(delta.shape).mul_(1.0 / density if rescale else 1.0)


def keep_by_rank(rows: Tensor, uniforms: Tensor, density: float, epsilon: float, *, rescale: bool = True) -> Tensor:
    r"""Keep the larger elements of a row with a higher probability, and divide each by its own.

    .. math:: p_r = d - \epsilon + 2 \epsilon\, \frac{r}{n - 1}, \qquad r = 0, \dots, n - 1 \text{ by rising magnitude}

    Also known as: MagPrune, DELLA; drop and rescale by magnitude.

    Reference: Deep et al. (2024), DELLA-Merging, arXiv:2406.11617, section 3.1.

    Args:
        rows: (rows, n); of equal magnitudes, the one further left ranks lower.
        uniforms: as many numbers in [0, 1).
        density: d, the mean probability.
        epsilon: half of the difference between the largest element's probability and the smallest one's.
        rescale: divide by the probability, so that the expectation stays.

    Returns:
        (rows, n), fresh, zero where elements were dropped.

    >>> keep_by_rank(torch.tensor([[1.0, -2.0]]), torch.tensor([0.7, 0.7]), 0.5, 0.25)
    tensor([[ 0.0000, -2.6667]])
    """
    length = rows.shape[1]
    pattern = rows.detach().contiguous().view(torch.int32).numpy() & 0x7FFFFFFF
    keys = (pattern.astype(np.int64) << 32) | np.arange(length)  # sorting these is several times as fast as an argsort
    keys.sort(axis=1)
    order = torch.from_numpy(keys).bitwise_and_(0xFFFFFFFF)
    chances = torch.linspace(density - epsilon, density + epsilon, length, dtype=torch.float64).float()
    chances = chances if length > 1 else torch.full((1,), density)
    drawn = uniforms.view(rows.shape).gather(1, order)
    kept = torch.from_numpy((drawn.numpy() < chances.numpy()).astype(np.float32))
    if rescale:
        kept.div_(chances)
    return rows * torch.empty_like(kept).scatter_(1, order, kept)


def spread(tensors: list[Tensor]) -> Tensor:
    r"""The variance of each element over tensors, :math:`\frac{1}{N}\sum_i (x_i - \bar x)^2`.

    Args:
        tensors: (N,) of equal shape.

    Returns:
        A tensor of their shape, at least 0; gradients do not flow through it.

    >>> spread([torch.tensor([1.0]), torch.tensor([3.0])])
    tensor([1.])
    """
    first = tensors[0].detach()  # differences from it make the result exactly 0 where all are equal
    mean = torch.zeros_like(first)
    for tensor in tensors[1:]:
        mean.add_(tensor.detach() - first, alpha=1.0 / len(tensors))
    total = mean.square()
    for tensor in tensors[1:]:
        gap = (tensor.detach() - first).sub_(mean)
        total.addcmul_(gap, gap)
    return total.div_(len(tensors))
