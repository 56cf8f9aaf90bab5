"""Whether the fields that a filter names are in a store, and hold what they are compared with."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.retrieval.filters.sql import KINDS, Condition, json_path, kind_of
from accord.retrieval.filters.tree import COLUMNS, Filter, Test, spelled, tests_of

__all__ = ["Checked", "check_fields"]

_LOOKED_AT = 2000
_SHOWN = 12
_WORDS = {
    "text": "strings",
    "integer": "numbers",
    "real": "numbers",
    "true": "true and false",
    "false": "true and false",
    "object": "objects with keys of their own",
}
Checked = set[tuple[tuple[str, ...], str]]
"""Fields that were looked for, each with the kind of the value that it is compared with; "" for none."""


def check_fields(connection: sqlite3.Connection, where: Filter, checked: Checked) -> None:
    """Refuse a filter with a field that no document has, or that holds values of other kinds only.

    Args:
        connection: to the database of a store.
        where: the filter.
        checked: what passed before; takes in what passes now.

    Raises:
        InputError: naming the field, with a suggestion.
    """
    for test in tests_of(where):
        for kind in {kind_of(value) for value in test.values()} or {""}:
            if test.keys[0] in COLUMNS or (test.keys, kind) in checked:
                continue
            _check(connection, test, kind)
            checked.add((test.keys, kind))


def _check(connection: sqlite3.Connection, test: Test, kind: str) -> None:
    source, found = _type_of(test.keys)
    fitting = (*KINDS[kind], "array") if kind else ()
    wanted = f"{found} IN ({', '.join('?' * len(fitting))})" if kind else f"{found} IS NOT NULL"
    query = f"SELECT 1 FROM {source.sql} AND {wanted} LIMIT 1"
    if connection.execute(query, (*source.parameters, *fitting)).fetchone():
        return
    kinds = {name for (name,) in connection.execute(f"SELECT DISTINCT {found} FROM {source.sql}", source.parameters)}
    kinds.discard(None)
    if kinds - {"null"}:
        raise InputError(_of_another_kind(test, kind, kinds))
    if not kinds and connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone():
        raise InputError(_unknown(connection, test))


def _type_of(keys: tuple[str, ...]) -> tuple[Condition, str]:
    """What to select from, WHERE included, and the expression of a field's type there."""
    if path := json_path(keys):
        sql = "(SELECT json_type(metadata, ?) AS kind FROM documents) WHERE kind IS NOT NULL"
        return Condition(sql, (path,)), "kind"
    names = [f"k{n}" for n in range(len(keys))]
    inside = (f"CASE {name}.type WHEN 'object' THEN {name}.value ELSE '{{}}' END" for name in names)
    sources = [f"json_each({source}) AS {name}" for source, name in zip(("documents.metadata", *inside), names)]
    equal = " AND ".join(f"{name}.key = ?" for name in names)
    return Condition(f"documents, {', '.join(sources)} WHERE {equal}", keys), f"{names[-1]}.type"


def _of_another_kind(test: Test, kind: str, kinds: set[str]) -> str:
    value = next(value for value in test.values() if kind_of(value) == kind)
    held = " or ".join(sorted({_WORDS[name] for name in kinds if name in _WORDS}))
    what = {"string": f"'{value}' is a string", "number": f"{value} is a number"}.get(kind, f"{kind} is neither")
    hint = ""
    if kind == "string" and kinds & {"integer", "real"} and _is_number(value):
        hint = f" Write {value} without quotes."
    elif kind == "number" and "text" in kinds:
        hint = f" Write '{value}' in quotes; strings are compared character by character."
    elif "object" in kinds:
        hint = f" Name a key in it, such as `{test.field}.key`."
    return f"`where`: `{test.field}` holds {held} in this store, and {what}.{hint}"


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _unknown(connection: sqlite3.Connection, test: Test) -> str:
    known = dict.fromkeys(COLUMNS)
    for order in ("slot", "slot DESC"):
        rows = connection.execute(f"SELECT metadata FROM documents ORDER BY {order} LIMIT {_LOOKED_AT}")
        for (text,) in rows:
            known |= dict.fromkeys(_names(json.loads(text), ()))
    names = list(known)
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    hint = did_you_mean(test.field, names)
    return f"`where`: no document of this store has the field `{test.field}`.{hint} Fields: {shown}."


def _names(value: object, keys: tuple[str, ...]) -> Iterable[str]:
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        yield spelled((*keys, key))
        if len(keys) < 4:
            yield from _names(inner, (*keys, key))
