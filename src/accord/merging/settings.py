"""A parameter over the tensors of a model: one value, a gradient over the layers, or one value a kind of tensor."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Gradient", "Scalar", "Setting"]

Scalar = bool | int | float | str
Gradient = tuple[float, ...]

NUMBER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
"""Numbers such as 1e-3, which YAML takes for words."""


@dataclass(frozen=True)
class Setting:
    """A parameter as a merge file gives it.

    Args:
        rules: (filter, value), the first whose filter is part of a tensor's name counts; None fits every tensor. A
            value is a scalar, or a gradient: numbers that stand at equal distances from the first layer to the last,
            with straight lines between them.

    >>> weight = Setting.of([{"filter": "attention", "value": [0, 1]}, {"value": 0.5}])
    >>> weight.at("layer.2.attention.weight", 0.25), weight.at("embeddings.weight", 0.0)
    (0.25, 0.5)
    """

    rules: tuple[tuple[str | None, Scalar | Gradient], ...]

    @classmethod
    def of(cls, value: object) -> Setting:
        """Read what stands in YAML: a scalar, a list of numbers, or a list of `{filter, value}` with a last `{value}`.

        Raises:
            ValueError: anything else.
        """
        rows = [value] if isinstance(value, Mapping) else value
        if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
            return cls(tuple(_rules(rows)))
        return cls(((None, _value(value)),))

    def at(self, tensor: str, depth: float) -> Scalar:
        """The value for one tensor.

        Args:
            tensor: its name.
            depth: 0 at the first layer and before it, 1 at the last and after it.
        """
        value = next(value for words, value in self.rules if words is None or words in tensor)
        if not isinstance(value, tuple):
            return value
        place = depth * (len(value) - 1)
        left = min(int(place), len(value) - 1)
        right = min(left + 1, len(value) - 1)
        return value[left] + (place - left) * (value[right] - value[left])

    def __str__(self) -> str:
        shown = [
            (words, " to ".join(f"{n:g}" for n in v) if isinstance(v, tuple) else str(v)) for words, v in self.rules
        ]
        return ", ".join(text if words is None else f"{text} in {words}" for words, text in shown)

    @property
    def filters(self) -> list[str]:
        """Words that a tensor's name must hold for a rule."""
        return [words for words, _ in self.rules if words is not None]


def _rules(rows: list[Any]) -> list[tuple[str | None, Scalar | Gradient]]:
    found: list[tuple[str | None, Scalar | Gradient]] = []
    for row in rows:
        strange = sorted(set(row) - {"filter", "value"})
        if strange or "value" not in row:
            raise ValueError(
                f"an entry of a filter list has the keys `filter` and `value`, and this one is {dict(row)}"
            )
        words = row.get("filter")
        if words is not None and (not isinstance(words, str) or not words):
            raise ValueError(f"`filter` is a part of tensors' names, and this one is {words!r}")
        found.append((None if words == "*" else words, _value(row["value"])))
    if found[-1][0] is not None:
        raise ValueError("a filter list ends with an entry without `filter`, for all other tensors: `- value: 0.5`")
    early = next((number for number, (words, _) in enumerate(found[:-1], start=1) if words is None), None)
    if early is not None:
        raise ValueError(f"entry {early} of the filter list fits every tensor, so that those after it mean nothing")
    return found


def _value(value: object) -> Scalar | Gradient:
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value) else value
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value):
        return value
    if isinstance(value, list) and value:
        numbers = [one for one in value if isinstance(one, (int, float)) and not isinstance(one, bool)]
        if len(numbers) == len(value) and all(math.isfinite(one) for one in numbers):
            return tuple(float(one) for one in numbers)
    raise ValueError(
        "a value is a finite number, true or false, a word, a list of numbers over the layers, or a list of "
        f"`{{filter, value}}`, and this one is {value!r}"
    )
