"""What a view of a text is: a function from texts to vectors, learned from labelled texts or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from jaxtyping import Bool, Float

from accord.core.spec import Described

__all__ = ["FittedView", "TextView"]


class FittedView(Protocol):
    """A view that has learned."""

    def transform(self, texts: Sequence[str], languages: Sequence[str]) -> Float[np.ndarray, "n dim"]:
        """Vectors of texts; rows of NaN for languages that it does not know."""
        ...


class TextView(Described, ABC):
    """A view before it has learned: its settings.

    Attributes:
        learns: whether it looks at labels; its vectors of training texts are then made by fits that did not see them.
        posteriors: whether its dimensions are the classes.
    """

    learns: ClassVar[bool] = True
    posteriors: ClassVar[bool] = False

    @abstractmethod
    def fit(self, texts: Sequence[str], targets: Bool[np.ndarray, "n classes"], languages: Sequence[str]) -> FittedView:
        """Learn from labelled texts.

        Args:
            texts: of all languages.
            targets: which classes each is of.
            languages: of each.
        """
