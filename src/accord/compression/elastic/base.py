"""The door of the room: an objective that looks at several sizes of one model in one forward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from accord.compression.elastic.sizes import Shape, Size, fit_view, read_sizes
from accord.core.spec import Described
from accord.core.types import View
from accord.objectives.base import Wrapper

__all__ = ["Drawn", "Elastic", "ElasticObjective", "Seen"]


@dataclass(frozen=True)
class Drawn:
    """The sizes that a step looks at.

    Args:
        views: in the terms of the model, the whole of it first where it is among them.
        weights: of their losses.
    """

    views: tuple[View, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, views: Sequence[View], weights: Sequence[float] | None = None) -> Drawn:
        """Views without repetition, the first of each; weights are 1 when not given."""
        given = dict(zip(reversed(views), reversed(weights or [1.0] * len(views))))
        kept = tuple(dict.fromkeys(views))
        return cls(kept, tuple(given[view] for view in kept))


@dataclass(frozen=True)
class Seen:
    """What a step shows of one size.

    Args:
        view: the size.
        fields: what the inner objective asks for, from the vectors of this size.
        vectors: (rows, dim) of the batch, in the same order for every size; (rows, vocabulary) raw scores where tokens
            are predicted.
        weight: of the loss.
    """

    view: View
    fields: Mapping[str, Tensor]
    vectors: Tensor
    weight: float = 1.0


class Elastic(Described, ABC):
    """A way to train one model of several sizes.

    Attributes:
        sizes: that the model will have, beside its whole; those that are scored and cut.
    """

    sizes: Sequence[Size]

    @property
    def views(self) -> tuple[View, ...]:
        """The sizes as views, as they are written."""
        return read_sizes(self.sizes)

    def fitted(self, shape: Shape) -> tuple[View, ...]:
        """The sizes in the terms of a model, without its whole.

        Args:
            shape: of the model.

        Raises:
            InputError: a size that is larger than the model, or that this way does not train.
        """
        found = dict.fromkeys(fit_view(view, shape) for view in self.views)
        return tuple(view for view in found if view != View())

    @abstractmethod
    def drawn(self, generator: np.random.Generator, shape: Shape) -> Drawn:
        """The sizes that one step looks at.

        Args:
            generator: of the step; the same in every process and each time the step is repeated.
            shape: of the model.

        Raises:
            InputError: as :meth:`fitted`.
        """

    @abstractmethod
    def loss(self, inner: nn.Module, seen: Sequence[Seen]) -> Tensor:
        """The loss of a step.

        Args:
            inner: the objective of each size.
            seen: of the sizes that were drawn, in their order.
        """

    def of(self, inner: nn.Module) -> ElasticObjective:
        """The objective that trains all sizes by another one.

        Args:
            inner: any objective; its contract stays as it is.
        """
        return ElasticObjective(inner, self)


class ElasticObjective(Described, Wrapper):
    """An objective, asked about every size that a step looks at.

    Args:
        inner: the objective.
        method: which sizes a step looks at, and what becomes of their losses.
    """

    def __init__(self, inner: nn.Module, method: Elastic) -> None:
        super().__init__(inner)
        self.method = method

    def forward(self, views: Sequence[Seen]) -> Tensor:
        """The loss of one batch, from what it shows of each size."""
        return self.method.loss(self.inner, views)
