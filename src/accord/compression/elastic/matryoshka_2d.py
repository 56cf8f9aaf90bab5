"""2D Matryoshka: each step trains a layer and a prefix that it draws, and the whole model beside them."""

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

__all__ = ["Matryoshka2d", "matryoshka_2d"]


def matryoshka_2d(losses: Sequence[Tensor], divergences: Sequence[Tensor], *, alignment: float = 1.0) -> Tensor:
    r"""Losses of the whole model, a prefix, a shallower layer and its prefix, and what aligns the smaller ones.

    .. math:: L_N^D + L_N^d + L_n^D + L_n^d + \alpha \sum_{(l, e) \ne (N, D)} \mathrm{KL}(p_N^D \,\Vert\, p_l^e)

    with a layer n < N and a dimension d < D drawn in each step.

    Also known as: 2DMSE, Matryoshka2dLoss, Espresso; without prefixes AdaptiveLayerLoss.

    Reference: Li et al. (2024), arXiv:2402.14776, section 3.

    Differs from the paper: the divergence is that of scores, not of embeddings read as distributions, so that it also
    holds between prefixes of other lengths; it never moves the whole model.

    Args:
        losses: of each size.
        divergences: of the smaller sizes from the whole model.
        alignment: their weight, at least 0.

    Returns:
        The loss of a step.

    >>> matryoshka_2d([torch.tensor(1.0), torch.tensor(2.0)], [torch.tensor(0.5)], alignment=2.0)
    tensor(4.)
    """
    return torch.stack([*losses, *(alignment * one for one in divergences)]).sum()


class Matryoshka2d(Elastic):
    """:func:`matryoshka_2d` of layers and dimensions that each step draws.

    Args:
        sizes: that are scored, (layers, dimensions) from large to small; training does not keep to them.
        layers: to draw from; all but the last when not given.
        dims: to draw from; the dimensions of `sizes` below the model's when not given. Where there are none, the whole
            vectors of the layers are trained.
        alignment: weight of the divergence from the whole model, at least 0.
        temperature: of the divergence, in units of the score; the inner objective's when not given, 0.05 where it has
            none.

    Raises:
        InputError: sizes out of order, repeated or without dimensions; layers or dimensions below 1.
    """

    def __init__(
        self,
        sizes: Sequence[Size],
        *,
        layers: Sequence[int] | None = None,
        dims: Sequence[int] | None = None,
        alignment: float = 1.0,
        temperature: float | None = None,
    ) -> None:
        read_sizes(sizes)
        for name, given in (("layers", layers), ("dims", dims)):
            if given is not None and not given:
                raise InputError(f"`{name}` is empty. Name at least one, or leave it out.")
            for number in given or ():
                check_at_least(name, number, 1)
        check_at_least("alignment", alignment, 0)
        if temperature is not None:
            check_positive("temperature", temperature)
        self.sizes = sizes
        self.layers = layers
        self.dims = dims
        self.alignment = alignment
        self.temperature = temperature

    def fitted(self, shape: Shape) -> tuple[View, ...]:
        """The sizes that are scored, in the terms of a model.

        Raises:
            InputError: a width, layers or dimensions that the model does not have, or a model of one layer.
        """
        if shape.layers < 2:
            raise InputError(
                "Matryoshka2d draws a shallower layer, and this model has none. Take `Matryoshka`, which trains "
                "dimensions alone."
            )
        found = super().fitted(shape)
        if any(view.width is not None for view in found):
            raise InputError("Matryoshka2d trains layers and dimensions, no widths. Take `Slimmable` for widths.")
        for layer in self.layers or ():
            fit_view(View(layer), shape)
        for dim in self.dims or ():
            fit_view(View(dim=dim), shape)
        return found

    def drawn(self, generator: np.random.Generator, shape: Shape) -> Drawn:
        """The whole model, and one layer and one prefix of those that there are."""
        sizes = self.fitted(shape)
        layers = self.layers or range(1, shape.layers)
        dims = self.dims or sorted({view.dim for view in sizes if view.dim is not None}) or [shape.dim]
        layer, dim = int(generator.choice(layers)), int(generator.choice(dims))
        views = (View(), View(dim=dim), View(layer), View(layer, dim))
        return Drawn.of([fit_view(view, shape) for view in views])

    def loss(self, inner: nn.Module, seen: Sequence[Seen]) -> Tensor:
        """The loss of one batch."""
        full, *smaller = seen
        temperature = temperature_of(inner, self.temperature)
        return matryoshka_2d(
            [inner(**one.fields) for one in seen],
            [divergence(inner, one, full, temperature=temperature) for one in smaller] if self.alignment else [],
            alignment=self.alignment,
        )
