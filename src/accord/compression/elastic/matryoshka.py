"""Matryoshka: the first dimensions of a vector are a vector of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from accord.compression.elastic.base import Drawn, Elastic, Seen
from accord.compression.elastic.sizes import Shape, Size, fit_view, read_sizes
from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.types import View

__all__ = ["Matryoshka", "matryoshka"]


def matryoshka(losses: Sequence[Tensor], weights: Sequence[float] | None = None) -> Tensor:
    r"""Weighted sum of the losses of all prefixes.

    .. math:: \sum_{d} c_d\, L(v_{1:d})

    over the dimensions d that are asked for, the whole vector among them. A prefix has unit length again where the
    model gives unit length.

    Also known as: MRL, Matryoshka Representation Learning, MatryoshkaLoss.

    Reference: Kusupati et al. (2022), arXiv:2205.13147, eq. 1.

    Differs from the paper: any objective takes the place of a classifier for each prefix (MRL-E there shares one).

    Args:
        losses: of each prefix.
        weights: of each of them; all 1 when not given.

    Returns:
        The loss of a step.

    >>> matryoshka([torch.tensor(1.0), torch.tensor(2.0)], [1.0, 0.5])
    tensor(2.)
    """
    given = weights or [1.0] * len(losses)
    return torch.stack([weight * loss for weight, loss in zip(given, losses, strict=True)]).sum()


class Matryoshka(Elastic):
    """:func:`matryoshka` of the last layer, at the listed dimensions and the whole.

    Args:
        sizes: dimensions from large to small, such as [256, 128].
        weights: of the losses of `sizes`, in their order; all 1 when not given.
        per_step: how many of the sizes a step looks at beside the whole, drawn anew each time; all when not given.

    Raises:
        InputError: dimensions out of order, repeated or below 1, another number of weights, or a weight below 0.
    """

    def __init__(
        self, sizes: Sequence[Size], *, weights: Sequence[float] | None = None, per_step: int | None = None
    ) -> None:
        read_sizes(sizes)
        if weights is not None and len(weights) != len(sizes):
            raise InputError(f"`weights` must be one a size. Got {len(weights)} for {len(sizes)} sizes.")
        for weight in weights or ():
            check_at_least("weights", weight, 0)
        if per_step is not None:
            check_at_least("per_step", per_step, 1)
        self.sizes = sizes
        self.weights = weights
        self.per_step = per_step

    def fitted(self, shape: Shape) -> tuple[View, ...]:
        """The dimensions, in the terms of a model.

        Raises:
            InputError: a size of fewer layers or less width than the model.
        """
        for view in (found := super().fitted(shape)):
            if view.layer is not None or view.width is not None:
                raise InputError(
                    f"Matryoshka trains the last layer alone, and `sizes` holds fewer layers or less width than the "
                    f"model's {shape}. Give dimensions only, or take `Starbucks` or `Matryoshka2d`."
                )
        return found

    def drawn(self, generator: np.random.Generator, shape: Shape) -> Drawn:
        """The whole model, and all prefixes or some of them."""
        smaller = self.fitted(shape)
        weights = dict(zip((fit_view(view, shape) for view in self.views), self.weights or [1.0] * len(self.sizes)))
        if self.per_step is not None and self.per_step < len(smaller):
            chosen = sorted(generator.choice(len(smaller), self.per_step, replace=False))
            smaller = tuple(smaller[k] for k in chosen)
        views = (View(), *smaller)
        return Drawn.of(views, [weights.get(view, 1.0) for view in views])

    def loss(self, inner: nn.Module, seen: Sequence[Seen]) -> Tensor:
        """The loss of one batch."""
        return matryoshka([inner(**one.fields) for one in seen], [one.weight for one in seen])
