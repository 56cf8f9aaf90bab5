"""Teachers of a recipe's tasks: which kind each is, and each loaded once."""

from __future__ import annotations

from accord import encoders
from accord.core.errors import InputError, ModelError
from accord.core.types import Encodes, Scores
from accord.encoders import locate, pairs
from accord.encoders.kinds import is_cross_encoder
from accord.evaluation.encoding import CachedEncoder

__all__ = ["Teachers", "kind_of_teacher"]


def kind_of_teacher(model: str | None) -> str | None:
    """Which kind of teacher a recipe names, from its folder alone: "encoder", "cross-encoder", or None without one.

    Raises:
        InputError: there is no such model.
    """
    if model is None:
        return None
    try:
        return "cross-encoder" if is_cross_encoder(locate(model)) else "encoder"
    except ModelError as error:
        raise InputError(f"teacher: {error}") from error


class Teachers:
    """The models that teach, by name; what one has encoded, it remembers for the next run."""

    def __init__(self) -> None:
        self._loaded: dict[str, Encodes | Scores] = {}

    def of(self, model: str | None) -> Encodes | Scores | None:
        """The teacher of this name, loaded when first asked for.

        Raises:
            InputError: a cross-encoder with several labels.
        """
        if model is None:
            return None
        if model not in self._loaded:
            scores = is_cross_encoder(locate(model))
            self._loaded[model] = _scorer(model) if scores else Remembered(encoders.load(model))
        return self._loaded[model]


class Remembered(CachedEncoder):
    """An encoder that teaches in several runs and encodes each text once."""

    def fingerprint(self) -> str:
        """Of the model."""
        return self.model.fingerprint()  # type: ignore[attr-defined]


def _scorer(model: str) -> Scores:
    found = pairs.load(model)
    if found.num_labels > 1:
        raise InputError(
            f"teacher: {model} sorts pairs into {found.num_labels} classes, and a teacher gives one score a pair. Name "
            "another."
        )
    return found
