"""The door of the family: what predicts tokens."""

from __future__ import annotations

from typing import Protocol

from jaxtyping import Float, Int
from torch import Tensor

from accord.encoders.base import Batch

__all__ = ["LanguageModel"]


class LanguageModel(Protocol):
    """What says which token of its vocabulary stands where, or in a text at all."""

    def at_places(self, batch: Batch, places: Int[Tensor, " places"]) -> Float[Tensor, "places vocabulary"]:
        """Raw scores of all tokens at some places of a padded batch, numbered row by row."""
        ...

    def of_texts(self, batch: Batch) -> Float[Tensor, "batch vocabulary"]:
        """Raw scores of all tokens, one row a text."""
        ...
