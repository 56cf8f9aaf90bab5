"""Filters as values: tests of fields, joined by `and`, `or` and `not`."""

from __future__ import annotations

import datetime
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.retrieval.filters.tokens import plain_name

__all__ = [
    "COLUMNS",
    "OPERATORS",
    "And",
    "Between",
    "Compare",
    "Contains",
    "Filter",
    "IsNull",
    "Like",
    "Not",
    "OneOf",
    "Or",
    "Scalar",
    "Test",
    "spelled",
    "tests_of",
]

COLUMNS = ("id", "title", "text")
"""Fields that every document has, all of them strings."""
OPERATORS = ("=", "<", "<=", ">", ">=")
Scalar = str | int | float | bool
_LONGEST = 1000


class Filter(ABC):
    """What a document passes or does not; `str` gives it in the language of `where`."""

    def __and__(self, other: Filter) -> Filter:
        """Documents that pass both."""
        return And((*_parts(self, And), *_parts(other, And)))

    def __or__(self, other: Filter) -> Filter:
        """Documents that pass either or both."""
        return Or((*_parts(self, Or), *_parts(other, Or)))

    def __invert__(self) -> Filter:
        """Documents that do not pass."""
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise InputError("A filter is neither true nor false. Join filters with &, | and ~, each in parentheses.")

    @abstractmethod
    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Test(Filter):
    """A test of one field.

    Args:
        keys: the field's name, from the outermost key inwards.
    """

    keys: tuple[str, ...]

    __test__ = False  # not a test in pytest's sense

    def __post_init__(self) -> None:
        for value in self.values():
            _check_value(value)
            if len(self.keys) == 1 and self.keys[0] in COLUMNS and not isinstance(value, str):
                raise InputError(f"`{self.keys[0]}` is a string in every document. Compare it with one: '{value}'.")
        if len(self.keys) > 1 and self.keys[0] in COLUMNS:
            raise InputError(f"`{self.keys[0]}` is a string in every document; there is nothing inside it.")

    def values(self) -> tuple[Scalar, ...]:
        """What the field is compared with."""
        return ()

    @property
    def field(self) -> str:
        """The field, as the language spells it."""
        return spelled(self.keys)


@dataclass(frozen=True)
class Compare(Test):
    """Equal to a value, or on one side of it: numbers by size, strings by code points."""

    operator: str
    value: Scalar

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("operator", self.operator, OPERATORS)
        if self.operator != "=" and isinstance(self.value, bool):
            raise InputError(f"true and false have no order: compare `{self.field}` by = or !=.")

    def values(self) -> tuple[Scalar, ...]:
        """The one value."""
        return (self.value,)

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_literal(self.value)}"


@dataclass(frozen=True)
class OneOf(Test):
    """Equal to one of some values."""

    choices: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.choices:
            raise InputError(f"`{self.field} in ()` names no value. Give at least one.")

    def values(self) -> tuple[Scalar, ...]:
        """All of them."""
        return self.choices

    def __str__(self) -> str:
        return f"{self.field} in ({', '.join(map(_literal, self.choices))})"


@dataclass(frozen=True)
class Between(Test):
    """From one value to another, both included."""

    low: Scalar
    high: Scalar

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.low, bool) or isinstance(self.high, bool):
            raise InputError(f"true and false have no order: compare `{self.field}` by = or !=.")
        if isinstance(self.low, str) != isinstance(self.high, str):
            raise InputError(f"`{self.field}` cannot lie between a number and a string. Give two of a kind.")

    def values(self) -> tuple[Scalar, ...]:
        """Both ends."""
        return (self.low, self.high)

    def __str__(self) -> str:
        return f"{self.field} between {_literal(self.low)} and {_literal(self.high)}"


@dataclass(frozen=True)
class Like(Test):
    r"""A string of a form: `%` is any characters, `_` is one, ASCII letters in either case, `\%` is the sign itself."""

    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.pattern, str):
            raise InputError(f"`like` needs a string. Got {self.pattern!r} instead.")
        if len(self.pattern) > _LONGEST:
            raise InputError(f"A pattern may have {_LONGEST} characters. This one has {len(self.pattern)}.")
        if (len(self.pattern) - len(self.pattern.rstrip("\\"))) % 2:
            raise InputError(r"A pattern must not end with a single \. For the sign itself write \\.")

    def values(self) -> tuple[Scalar, ...]:
        """The pattern."""
        return (self.pattern,)

    def __str__(self) -> str:
        return f"{self.field} like {_literal(self.pattern)}"


@dataclass(frozen=True)
class Contains(Test):
    """A string that another is a part of, or a list with an element that equals a value; as Python's `in`."""

    value: Scalar

    def values(self) -> tuple[Scalar, ...]:
        """The part or element."""
        return (self.value,)

    def __str__(self) -> str:
        return f"{self.field} contains {_literal(self.value)}"


@dataclass(frozen=True)
class IsNull(Test):
    """Missing or null; of a title, empty."""

    def __str__(self) -> str:
        return f"{self.field} is null"


@dataclass(frozen=True)
class And(Filter):
    """Documents that pass every part."""

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_parts(self.parts)

    def __str__(self) -> str:
        return " and ".join(f"({p})" if isinstance(p, (And, Or)) else str(p) for p in self.parts)


@dataclass(frozen=True)
class Or(Filter):
    """Documents that pass a part or more."""

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_parts(self.parts)

    def __str__(self) -> str:
        return " or ".join(f"({p})" if isinstance(p, (And, Or)) else str(p) for p in self.parts)


@dataclass(frozen=True)
class Not(Filter):
    """Documents that do not pass."""

    part: Filter

    def __post_init__(self) -> None:
        _check_parts((self.part,))

    def __str__(self) -> str:
        return f"not ({self.part})"


def tests_of(where: Filter) -> Iterator[Test]:
    """Every test in a filter, in the order of its text."""
    if isinstance(where, (And, Or)):
        for part in where.parts:
            yield from tests_of(part)
    elif isinstance(where, Not):
        yield from tests_of(where.part)
    elif isinstance(where, Test):
        yield where


def spelled(keys: Iterable[str]) -> str:
    """A field's name as the language spells it.

    >>> spelled(["author", "last name"])
    'author."last name"'
    """
    return ".".join(key if plain_name(key) else '"' + key.replace('"', '""') + '"' for key in keys)


def scalar(value: Any) -> Any:
    """A value of a filter from one of Python or NumPy; dates become ISO strings."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _parts(where: Filter, kind: type[And | Or]) -> tuple[Filter, ...]:
    return where.parts if isinstance(where, kind) else (where,)


def _check_parts(parts: tuple[Filter, ...]) -> None:
    for part in parts:
        if not isinstance(part, Filter):
            raise InputError(f"A filter is made of filters. Got {part!r} instead.")
    if not parts:
        raise InputError("`and` and `or` need at least one part.")


def _check_value(value: object) -> None:
    if value is None:
        raise InputError("Nothing equals null. Write `is null` or `is not null`.")
    if not isinstance(value, (str, int, float)):
        raise InputError(f"A value must be a string, a number, true or false. Got {value!r} instead.")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"A number must be finite. Got {value!r} instead.")
    if isinstance(value, str):
        if "\0" in value:
            raise InputError("A string must not hold a NUL character.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"A string is not valid Unicode ({error.reason}).") from error


def _literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
