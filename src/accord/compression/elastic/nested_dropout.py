"""Nested dropout: dimensions in the order of their importance, by cutting vectors at a random place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from accord.compression.elastic.base import Drawn, Elastic, Seen
from accord.compression.elastic.sizes import Shape, Size, read_sizes
from accord.core.checks import check_choice, check_fraction
from accord.core.errors import InputError
from accord.core.types import View

__all__ = ["NestedDropout", "nested_dropout"]

DISTRIBUTIONS = ("geometric", "uniform")
QUARTERS = 4.0


def nested_dropout(
    generator: np.random.Generator,
    dim: int,
    *,
    least: int = 1,
    distribution: str = "geometric",
    decay: float | None = None,
) -> int:
    r"""How many dimensions are kept: every one behind them is dropped, together.

    .. math:: P(b) \propto (1 - \rho)^b \quad\text{or}\quad P(b) \propto 1, \qquad b \in \{m, \dots, D\}

    What stands further in front is trained more often, so that importance falls from the first dimension to the last.

    Also known as: ordered representations, importance-based ordering, tail dropout.

    Reference: Rippel et al. (2014), arXiv:1402.0915, section 3, for the geometric draw; Alaluf et al. (2023), NeTI,
    arXiv:2305.15391, section 3 (importance-based ordering), for the uniform one in a share of the steps.

    Differs from the paper: one draw a step for the whole batch, since vectors are compared with each other; no
    dimensions are frozen once they have converged.

    Args:
        generator: of the step.
        dim: D, dimensions of the whole vector.
        least: m, the fewest that are kept.
        distribution: "geometric" or "uniform".
        decay: of the geometric draw, in (0, 1); 4 / D when not given.

    Returns:
        Dimensions, from `least` to `dim`.

    >>> draws = [nested_dropout(np.random.default_rng(seed), 64, least=8) for seed in range(200)]
    >>> min(draws) >= 8, max(draws) <= 64, sum(d < 36 for d in draws) > 100
    (True, True, True)
    """
    places = np.arange(least, dim + 1)
    if distribution == "uniform" or len(places) == 1:
        return int(generator.choice(places))
    rate = min(0.5, QUARTERS / dim) if decay is None else decay
    odds = (1.0 - rate) ** (places - least)
    return int(generator.choice(places, p=odds / odds.sum()))


class NestedDropout(Elastic):
    """:func:`nested_dropout` of a model's dimensions: a step trains one prefix, or the whole.

    Args:
        sizes: dimensions from large to small that are scored; the last one is the fewest that a step keeps.
        distribution: "geometric" or "uniform".
        decay: of the geometric draw, in (0, 1); 4 / dimensions when not given.
        share: of the steps that cut their vectors, in (0, 1]; the others train the whole.

    Raises:
        InputError: dimensions out of order, repeated or below 1, or a share or a decay out of its range.
    """

    def __init__(
        self,
        sizes: Sequence[Size],
        *,
        distribution: str = "geometric",
        decay: float | None = None,
        share: float = 0.5,
    ) -> None:
        read_sizes(sizes)
        check_choice("distribution", distribution, DISTRIBUTIONS)
        check_fraction("share", share)
        if not share:
            raise InputError("`share` must be above 0, or no dimension is ever dropped. Got 0 instead.")
        if decay is not None:
            check_fraction("decay", decay, closed=False)
        self.sizes = sizes
        self.distribution = distribution
        self.decay = decay
        self.share = share

    def fitted(self, shape: Shape) -> tuple[View, ...]:
        """The dimensions that are scored, in the terms of a model.

        Raises:
            InputError: a size of fewer layers or less width than the model.
        """
        found = super().fitted(shape)
        if any(view.layer is not None or view.width is not None for view in found):
            raise InputError(
                f"NestedDropout orders dimensions, and `sizes` holds fewer layers or less width than the model's "
                f"{shape}. Give dimensions only, or take `Starbucks` or `Matryoshka2d`."
            )
        return found

    def drawn(self, generator: np.random.Generator, shape: Shape) -> Drawn:
        """One prefix, or the whole model."""
        sizes = self.fitted(shape)
        least = min((view.dim for view in sizes if view.dim is not None), default=shape.dim)
        if generator.random() >= self.share:
            return Drawn.of([View()])
        kept = nested_dropout(generator, shape.dim, least=least, distribution=self.distribution, decay=self.decay)
        return Drawn.of([View(dim=kept if kept < shape.dim else None)])

    def loss(self, inner: nn.Module, seen: Sequence[Seen]) -> Tensor:
        """The loss of one batch."""
        (one,) = seen
        return inner(**one.fields)
