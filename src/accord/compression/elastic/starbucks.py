"""Starbucks: a fixed list of sizes, all of them trained in every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from accord.compression.elastic.alignment import divergence, temperature_of
from accord.compression.elastic.base import Drawn, Elastic, Seen
from accord.compression.elastic.sizes import Shape, Size, fit_view, read_sizes
from accord.core.checks import check_at_least, check_positive
from accord.core.errors import InputError
from accord.core.types import View

__all__ = ["Starbucks", "starbucks"]


def starbucks(losses: Sequence[Tensor], divergences: Sequence[Tensor], *, alignment: float = 1.0) -> Tensor:
    r"""Sum of the losses of all sizes, and of the divergences of the smaller ones from the whole model.

    .. math:: \sum_{k=1}^{K} L_k + \alpha \sum_{k=2}^{K} \mathrm{KL}(p_1 \,\Vert\, p_k)

    over K pairs of layers and dimensions, the whole model first.

    Also known as: SRL, Starbucks Representation Learning, fixed layer-dimension pairs; with a single pair of each
    depth, an adaptive layer loss over a fixed list.

    Reference: Zhuang et al. (2024), arXiv:2410.13230, section 3.1.

    Differs from the paper: the divergence is that of scores (of queries with documents, of pairs, of tokens), which do
    not depend on how many dimensions a size has; it never moves the whole model. Hidden tokens that every size
    predicts from its own sub-vector (SMAE, section 3.2) are :class:`~accord.objectives.MaskedTokens` or
    :class:`~accord.objectives.BagOfTokens` as the inner objective; there is no second, weak decoder.

    Args:
        losses: of each size.
        divergences: of the smaller sizes from the whole model.
        alignment: their weight, at least 0.

    Returns:
        The loss of a step.

    >>> starbucks([torch.tensor(1.0), torch.tensor(2.0)], [torch.tensor(0.5)])
    tensor(3.5000)
    """
    return torch.stack([*losses, *(alignment * one for one in divergences)]).sum()


class Starbucks(Elastic):
    """:func:`starbucks` of the listed sizes and the whole model.

    Args:
        sizes: (layers, dimensions) from large to small; a dimension alone for static models. Each layer keeps the
            dimension that stands beside it.
        alignment: weight of the divergence from the whole model, at least 0.
        temperature: of the divergence, in units of the score; the inner objective's when not given, 0.05 where it has
            none.
        weights: of the losses of `sizes`, in their order; all 1 when not given.

    Raises:
        InputError: sizes out of order, repeated or without dimensions, another number of weights, or a weight below 0.
    """

    def __init__(
        self,
        sizes: Sequence[Size],
        *,
        alignment: float = 1.0,
        temperature: float | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        read_sizes(sizes)
        check_at_least("alignment", alignment, 0)
        if temperature is not None:
            check_positive("temperature", temperature)
        if weights is not None and len(weights) != len(sizes):
            raise InputError(f"`weights` must be one a size. Got {len(weights)} for {len(sizes)} sizes.")
        for weight in weights or ():
            check_at_least("weights", weight, 0)
        self.sizes = sizes
        self.alignment = alignment
        self.temperature = temperature
        self.weights = weights

    def drawn(self, generator: np.random.Generator, shape: Shape) -> Drawn:
        """The whole model and all sizes."""
        del generator
        views = [fit_view(view, shape) for view in self.views]
        weights = list(self.weights or [1.0] * len(views))
        if View() in views:
            return Drawn.of(views, weights)
        return Drawn.of([View(), *views], [1.0, *weights])

    def loss(self, inner: nn.Module, seen: Sequence[Seen]) -> Tensor:
        """The loss of one batch."""
        full, *smaller = seen
        temperature = temperature_of(inner, self.temperature)
        return starbucks(
            [one.weight * inner(**one.fields) for one in seen],
            [one.weight * divergence(inner, one, full, temperature=temperature) for one in smaller]
            if self.alignment
            else [],
            alignment=self.alignment,
        )
