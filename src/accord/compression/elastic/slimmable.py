"""Slimmable widths: one encoder whose feed-forward parts may be narrower, with equal features at every width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.compression.elastic.base import Drawn, Elastic, Seen
from accord.compression.elastic.sizes import Shape, Size, read_sizes
from accord.core.checks import check_at_least
from accord.core.types import View

__all__ = ["Slimmable", "slimmable"]


def slimmable(vectors: Float[Tensor, "rows dim"], full: Float[Tensor, "rows whole"]) -> Float[Tensor, ""]:
    r"""Mean distance of the vectors of a narrow model from those of the whole one, which it does not move.

    .. math:: \operatorname{mean}_i\; 1 - \cos(v^{w}_i,\; \mathrm{sg}(v_i)_{1:d})

    Also known as: CI-KD, configuration-invariant knowledge distillation, in-place distillation of slimmable networks.

    Reference: Aich et al. (2023), Efficient Controllable Multi-Task Architectures, arXiv:2308.11744, section 3.2;
    Yu and Huang (2019), universally slimmable networks, arXiv:1903.05134, section 3, for the sizes of a step.

    Differs from the paper: the width is that of the feed-forward parts of a transformer, one for all layers, so that a
    cut is an ordinary model; there are no decoders, and no search for a width of each layer. Features are the vectors
    of texts, compared by cosine.

    Args:
        vectors: of a narrow size.
        full: of the whole model, with as many dimensions or more.

    Returns:
        In [0, 2].

    >>> slimmable(torch.eye(2), torch.eye(2).flip(0))
    tensor(1.)
    """
    wanted = full.detach()[:, : vectors.shape[1]]
    return 1 - F.cosine_similarity(vectors, wanted, dim=1).mean()


class Slimmable(Elastic):
    """:func:`slimmable` beside the losses of the whole model, the smallest size and sizes between.

    Every width of a step costs a forward pass of its own, and there is no gradient checkpointing beside it.

    Args:
        sizes: (layers, dimensions, width) from large to small; the width counts the inner units of each layer's
            feed-forward part.
        invariance: weight of the distance from the whole model's vectors, at least 0.
        per_step: how many sizes between the whole and the smallest a step looks at.

    Raises:
        InputError: sizes out of order, repeated or without dimensions, or a number below 0.
    """

    def __init__(self, sizes: Sequence[Size], *, invariance: float = 1.0, per_step: int = 1) -> None:
        read_sizes(sizes)
        check_at_least("invariance", invariance, 0)
        check_at_least("per_step", per_step, 0)
        self.sizes = sizes
        self.invariance = invariance
        self.per_step = per_step

    def drawn(self, generator: np.random.Generator, shape: Shape) -> Drawn:
        """The whole model, the smallest size, and some between."""
        *between, smallest = self.fitted(shape) or (View(),)
        count = min(self.per_step, len(between))
        chosen = sorted(generator.choice(len(between), count, replace=False)) if count else []
        return Drawn.of([View(), *(between[k] for k in chosen), smallest])

    def loss(self, inner: nn.Module, seen: Sequence[Seen]) -> Tensor:
        """The loss of one batch."""
        full, *smaller = seen
        losses = [inner(**one.fields) for one in seen]
        apart = [self.invariance * slimmable(one.vectors, full.vectors) for one in smaller if self.invariance]
        return torch.stack([*losses, *apart]).sum()
