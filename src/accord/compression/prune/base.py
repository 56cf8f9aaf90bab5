"""The door of the room: what a way of pruning takes and gives, and what all of them refuse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accord.core.errors import InputError
from accord.core.spec import Described
from accord.encoders import TextEncoder
from accord.encoders.base import check_texts

__all__ = ["Pruned", "Pruner", "check_calibration", "check_prunable"]


@dataclass(frozen=True)
class Pruned:
    """A smaller encoder, and what was taken out.

    Args:
        encoder: a new one; the original stays as it is.
        record: JSON values: the method, its settings, what was kept and why.
    """

    encoder: TextEncoder
    record: dict[str, Any] = field(default_factory=dict)


class Pruner(Described, ABC):
    """A way of making a finished encoder smaller: its settings."""

    @abstractmethod
    def prune(self, encoder: TextEncoder, texts: Sequence[str]) -> Pruned:
        """A smaller copy.

        Args:
            encoder: stays as it is.
            texts: to calibrate on, such as the model will see; no labels are needed.

        Raises:
            InputError: an encoder that the method does not support, or too few texts.
        """


def check_prunable(encoder: Any, method: str) -> None:
    """Refuse what has no layers to take anything out of.

    Raises:
        InputError: a static encoder, a cross-encoder, or one that averages its layers.
    """
    if not isinstance(encoder, TextEncoder):
        raise InputError(
            f"`{method}` takes encoders of text with a transformer. Got a {type(encoder).__name__}. A static encoder "
            "is one table: keep fewer of its dimensions instead."
        )
    if encoder.layer_mix is not None:
        raise InputError(f"`{method}` does not support WeightedLayerPooling, which averages the layers as they were.")
    if len(encoder.token_heads):
        raise InputError(
            f"`{method}` does not support encoders with heads that predict tokens "
            f"({', '.join(encoder.token_heads)}). Prune the encoder first, and tie the heads to the result."
        )


def check_calibration(texts: Sequence[str], method: str, *, least: int = 1) -> None:
    """Refuse too few texts.

    Raises:
        InputError: says how many there must be.
    """
    check_texts(texts)
    if len(texts) < least:
        raise InputError(
            f"`{method}` is calibrated on texts and needs at least {least}. Got {len(texts)}. Give texts such as the "
            "model will see, some hundreds of them."
        )
