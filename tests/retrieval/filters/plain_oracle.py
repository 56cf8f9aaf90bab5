"""What filters mean, in plain Python: slow, over one record at a time."""

from __future__ import annotations

import math
import re

from accord.retrieval.filters import And, Between, Compare, Contains, IsNull, Like, Not, OneOf, Or

MISSING = object()


def passes(where, record):
    if isinstance(where, And):
        return all(passes(part, record) for part in where.parts)
    if isinstance(where, Or):
        return any(passes(part, record) for part in where.parts)
    if isinstance(where, Not):
        return not passes(where.part, record)
    value = look_up(where.keys, {"title": "", **record})
    if isinstance(where, IsNull):
        return value is MISSING or value is None or (where.keys == ("title",) and value == "")
    if isinstance(where, Contains) and not isinstance(value, list):
        return isinstance(value, str) and isinstance(where.value, str) and where.value in value
    return any(holds(where, one) for one in (value if isinstance(value, list) else [value]))


def look_up(keys, record):
    value = record
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def holds(where, value):
    if isinstance(where, (OneOf, Contains)):
        choices = where.choices if isinstance(where, OneOf) else (where.value,)
        return any(kind(value) == kind(choice) and number(value) == number(choice) for choice in choices)
    if isinstance(where, Like):
        return isinstance(value, str) and form(where.pattern).fullmatch(small(value)) is not None
    if isinstance(where, Between):
        return kind(value) == kind(where.low) and number(where.low) <= number(value) <= number(where.high)
    assert isinstance(where, Compare)
    if kind(value) != kind(where.value):
        return False
    one, other = number(value), number(where.value)
    return {"=": one == other, "<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[
        where.operator
    ]


def kind(value):
    for name, of in (("bool", bool), ("number", (int, float)), ("string", str)):
        if isinstance(value, of):
            return name
    return None


def number(value):
    """Whole numbers of more than 64 bits as float64."""
    if not isinstance(value, int) or -(2**63) <= value < 2**63:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def small(text):
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


def form(pattern):
    signs = iter(small(pattern))
    parts = ({"%": ".*", "_": "."}.get(sign) or re.escape(next(signs) if sign == "\\" else sign) for sign in signs)
    return re.compile("".join(parts), re.DOTALL)
