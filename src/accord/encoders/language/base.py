"""The door of the family: what predicts tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jaxtyping import Float, Int
from torch import Tensor

from accord.core.types import View
from accord.encoders.base import Batch

__all__ = ["LanguageModel"]


class LanguageModel(Protocol):
    """What says which token of its vocabulary stands where, or in a text at all."""

    def at_places(
        self, batch: Batch, places: Int[Tensor, " places"], views: Sequence[View] = ...
    ) -> Float[Tensor, "places scores"]:
        """Raw scores of all tokens at some places of a padded batch, numbered row by row; of all views side by side."""
        ...

    def of_texts(self, batch: Batch, views: Sequence[View] = ...) -> Float[Tensor, "batch scores"]:
        """Raw scores of all tokens, one row a text; of all views side by side."""
        ...
