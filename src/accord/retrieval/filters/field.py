"""Filters written in Python: `Field("year") >= 2020`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accord.core.errors import InputError
from accord.retrieval.filters.parser import parse_field
from accord.retrieval.filters.tree import Between, Compare, Contains, Filter, IsNull, Like, Not, OneOf, scalar, spelled

__all__ = ["Field"]


class Field:
    """A field of the documents, to be compared with values; comparisons give filters, to be joined by &, | and ~.

    Args:
        name: as in the language: `year`, `author.name`, `"last name"`.

    >>> str((Field("year") >= 2020) & ~Field("lang").one_of(["en", "de"]))
    "year >= 2020 and not (lang in ('en', 'de'))"
    """

    def __init__(self, name: str) -> None:
        self.keys = parse_field(name)

    __hash__ = None  # type: ignore[assignment]  # equality makes filters

    def __repr__(self) -> str:
        return f"Field({spelled(self.keys)!r})"

    def __eq__(self, value: object) -> Filter:  # type: ignore[override]
        return self._compared("=", value)

    def __ne__(self, value: object) -> Filter:  # type: ignore[override]
        return Not(self._compared("=", value))

    def __lt__(self, value: object) -> Filter:
        return self._compared("<", value)

    def __le__(self, value: object) -> Filter:
        return self._compared("<=", value)

    def __gt__(self, value: object) -> Filter:
        return self._compared(">", value)

    def __ge__(self, value: object) -> Filter:
        return self._compared(">=", value)

    def one_of(self, values: Iterable[Any]) -> Filter:
        """Equal to one of some values."""
        if isinstance(values, str):
            raise InputError(f"`one_of` needs a list of values. Got the string {values!r}; put it in a list.")
        return OneOf(self.keys, tuple(scalar(value) for value in values))

    def between(self, low: Any, high: Any) -> Filter:
        """From one value to another, both included."""
        return Between(self.keys, scalar(low), scalar(high))

    def like(self, pattern: str) -> Filter:
        """A string of the form of a pattern, in which % is any characters and _ is one."""
        return Like(self.keys, pattern)

    def contains(self, value: Any) -> Filter:
        """A string with this part, or a list with this element."""
        return Contains(self.keys, scalar(value))

    def is_null(self) -> Filter:
        """Missing or null."""
        return IsNull(self.keys)

    def _compared(self, operator: str, value: object) -> Filter:
        found: Any = scalar(value)
        return Compare(self.keys, operator, found)
