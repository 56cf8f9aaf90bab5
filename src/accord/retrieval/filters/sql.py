"""Filters as SQL over the table of documents: fixed text with parameters, nothing of the user's in it.

A test is true or false, never NULL, so `not` always turns it round. Values are compared with values of their own kind
only, and a list passes when one of its elements does:

```text
CASE json_type(metadata, path)
    WHEN 'integer' THEN json_extract(metadata, path) >= value
    WHEN 'real' THEN ...
    WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(metadata, path) AS item WHERE CASE item.type ... END)
    ELSE 0
END
```
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accord.core.errors import InputError
from accord.retrieval.filters.parser import DEEPEST
from accord.retrieval.filters.tree import (
    COLUMNS,
    And,
    Between,
    Compare,
    Contains,
    Filter,
    IsNull,
    Like,
    Not,
    OneOf,
    Or,
    Scalar,
    Test,
    tests_of,
)

__all__ = ["KINDS", "Condition", "condition", "json_path", "kind_of"]

KINDS = {"number": ("integer", "real"), "string": ("text",), "true": ("true",), "false": ("false",)}
"""What a value may be -> SQLite's types of JSON for it."""
_MANY = 300
_LARGEST = 1 << 63
Parameter = str | int


@dataclass(frozen=True)
class Condition:
    """An SQL expression, true or false for each document, and the values of its question marks, in their order."""

    sql: str
    parameters: tuple[Parameter, ...] = ()


def condition(where: Filter, *, table: str = "documents") -> Condition:
    """A filter as an SQL expression, to stand after WHERE or AND, also in a join with other tables.

    Args:
        where: the filter.
        table: under which name the query knows the documents; a plain word.

    Raises:
        InputError: more tests, or more parentheses around one, than SQLite can take.

    >>> from accord.retrieval.filters.parser import parse
    >>> condition(parse("id in ('a', 'b')"))
    Condition(sql='documents.id IN (SELECT value FROM json_each(?))', parameters=('["a", "b"]',))
    """
    if not table.isidentifier():
        raise InputError(f"`table` must be a plain word. Got {table!r} instead.")
    _check_depth(where, 2 * DEEPEST + 2)
    count = sum(1 for _ in tests_of(where))
    if count > _MANY:
        raise InputError(
            f"`where` may hold {_MANY} tests. This one has {count}; `in (...)` takes any number of values."
        )
    return _compiled(where, table)


def json_path(keys: Iterable[str]) -> str | None:
    """The path to a value in JSON, or None where SQLite's paths cannot spell it.

    >>> json_path(["author", "last name"]), json_path(['5"'])
    ('$."author"."last name"', None)
    """
    parts = list(keys)
    if not all(key and '"' not in key and "\\" not in key and key.isprintable() for key in parts):
        return None
    return "$" + "".join(f'."{key}"' for key in parts)


def kind_of(value: Scalar) -> str:
    """Which of `KINDS` a value is.

    >>> kind_of(True), kind_of(1), kind_of("1")
    ('true', 'number', 'string')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return "string" if isinstance(value, str) else "number"


def _depth(where: Filter) -> int:
    if isinstance(where, (And, Or)):
        return 1 + max(map(_depth, where.parts))
    return 1 + _depth(where.part) if isinstance(where, Not) else 0


def _check_depth(where: Filter, left: int) -> None:
    if left < 0:
        raise InputError(f"`where`: parentheses and `not` may be {DEEPEST} deep.")
    inner = where.parts if isinstance(where, (And, Or)) else (where.part,) if isinstance(where, Not) else ()
    for part in inner:
        _check_depth(part, left - 1)


def _compiled(where: Filter, table: str) -> Condition:
    if isinstance(where, (And, Or)):
        deepest_first = sorted(where.parts, key=_depth, reverse=True)  # SQLite's parser keeps all that stands before
        parts = [_compiled(part, table) for part in deepest_first]
        word = " AND " if isinstance(where, And) else " OR "
        return Condition(f"({word.join(p.sql for p in parts)})", _joined(parts))
    if isinstance(where, Not):
        part = _compiled(where.part, table)
        return Condition(f"NOT ({part.sql})", part.parameters)
    if isinstance(where, IsNull):
        return _is_null(where, table)
    assert isinstance(where, Test)
    if where.keys[0] in COLUMNS:
        form = _forms(where, elements=False)["text"]
        return Condition(form.sql.format(f"{table}.{where.keys[0]}"), form.parameters)
    if (path := json_path(where.keys)) is None:
        return _by_keys(where.keys, table, _cases("at.type", Condition("at.value"), where, Condition("at.value")))
    value = Condition(f"json_extract({table}.metadata, ?)", (path,))
    listed = Condition(f"{table}.metadata, ?", (path,))
    cases = _cases(f"json_type({table}.metadata, ?)", value, where, listed)
    return Condition(cases.sql, (path, *cases.parameters))


def _is_null(where: IsNull, table: str) -> Condition:
    if where.keys[0] in COLUMNS:
        return Condition(f"{table}.{where.keys[0]} = ''")
    if path := json_path(where.keys):
        return Condition(f"coalesce(json_type({table}.metadata, ?), 'null') = 'null'", (path,))
    found = _by_keys(where.keys, table, Condition("at.type <> 'null'"))
    return Condition(f"NOT {found.sql}", found.parameters)


def _by_keys(keys: tuple[str, ...], table: str, test: Condition) -> Condition:
    """A test of the value `at` that some keys lead to, one object after the other: slower than a path."""
    names = [*(f"k{n}" for n in range(len(keys) - 1)), "at"]
    inside = (f"CASE {name}.type WHEN 'object' THEN {name}.value ELSE '{{}}' END" for name in names)
    sources = [f"json_each({source}) AS {name}" for source, name in zip((f"{table}.metadata", *inside), names)]
    found = " AND ".join(f"{name}.key = ?" for name in names)
    sql = f"EXISTS (SELECT 1 FROM {', '.join(sources)} WHERE {found} AND {test.sql})"
    return Condition(sql, (*keys, *test.parameters))


def _cases(kind: str, value: Condition, where: Test, listed: Condition) -> Condition:
    """A test of a value by its kind, and of the elements of a list by theirs."""
    outer = _arms(_forms(where, elements=False), value)
    inner = _arms(_forms(where, elements=True), Condition("item.value"))
    each = f"EXISTS (SELECT 1 FROM json_each({listed.sql}) AS item WHERE CASE item.type {inner.sql} ELSE 0 END)"
    sql = f"CASE {kind} {outer.sql} WHEN 'array' THEN {each} ELSE 0 END"
    return Condition(sql, (*outer.parameters, *listed.parameters, *inner.parameters))


def _arms(forms: Mapping[str, Condition], value: Condition) -> Condition:
    parts = []
    for kind, form in forms.items():
        before = value.parameters if "{}" in form.sql else ()
        parts.append(Condition(f"WHEN '{kind}' THEN {form.sql.format(value.sql)}", (*before, *form.parameters)))
    return Condition(" ".join(part.sql for part in parts), _joined(parts))


def _forms(where: Test, *, elements: bool) -> dict[str, Condition]:
    """SQLite's type of JSON -> the test of a value of that type, which goes where {} is."""
    if isinstance(where, Like):
        return {"text": Condition("{} LIKE ? ESCAPE '\\'", (where.pattern,))}
    if isinstance(where, Contains):
        if elements:
            where = Compare(where.keys, "=", where.value)
        elif isinstance(where.value, str):
            return {"text": Condition("instr({}, ?) > 0", (where.value,))}
        else:
            return {"null": Condition("0")}
    if isinstance(where, OneOf):
        return _memberships(where.choices)
    if isinstance(where, Between):
        low, high = _bound(where.low), _bound(where.high)
        form = Condition(f"{{}} BETWEEN {low.sql} AND {high.sql}", (*low.parameters, *high.parameters))
        return dict.fromkeys(KINDS[kind_of(where.low)], form)
    assert isinstance(where, Compare)
    if isinstance(where.value, bool):
        return {kind_of(where.value): Condition("1")}
    bound = _bound(where.value)
    return {
        kind: Condition(f"{{}} {where.operator} {bound.sql}", bound.parameters) for kind in KINDS[kind_of(where.value)]
    }


def _memberships(choices: Iterable[Scalar]) -> dict[str, Condition]:
    by_kind: dict[str, list[Scalar]] = {}
    for choice in choices:
        by_kind.setdefault(kind_of(choice), []).append(choice)
    forms = {}
    for kind, some in by_kind.items():
        listed = json.dumps(some, ensure_ascii=False)
        form = (
            Condition("1")
            if kind in {"true", "false"}
            else Condition("{} IN (SELECT value FROM json_each(?))", (listed,))
        )
        forms.update(dict.fromkeys(KINDS[kind], form))
    return forms


def _bound(value: Scalar) -> Condition:
    """A value as a parameter; a fraction as its digits, so that SQLite reads it as it reads those in JSON."""
    if isinstance(value, str) or (isinstance(value, int) and -_LARGEST <= value < _LARGEST):
        return Condition("?", (value,))
    return Condition("CAST(? AS REAL)", (repr(value),))


def _joined(parts: Iterable[Condition]) -> tuple[Parameter, ...]:
    return tuple(parameter for part in parts for parameter in part.parameters)
