"""Indexes over fields of the metadata: a filter by a value that few documents have then reads only those.

Without one, a filter reads the metadata of every document. An index is kept up by the database itself. It only names
candidates, each of which the whole filter still judges, so answers are the same with and without.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator

from accord.core.errors import InputError
from accord.retrieval.filters.parser import parse_field
from accord.retrieval.filters.sql import Condition, json_path
from accord.retrieval.filters.tokens import plain_name
from accord.retrieval.filters.tree import COLUMNS, And, Between, Compare, Filter, OneOf, spelled

__all__ = ["drop_index", "index_field", "indexed_fields", "through_index", "trust_fields"]

_SHARE = 8
_LARGEST = 1 << 63
_EXTRAS = "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger', 'view') AND sql IS NOT NULL"
_PATH = r"""'\$((?:\."[^"'\\]+")+)'"""
_MADE = re.compile(rf"CREATE INDEX field_\w+ ON documents\(json_extract\(metadata, {_PATH}\)\)")
_LISTS = re.compile(rf"CREATE INDEX lists_\w+ ON documents\(slot\) WHERE json_type\(metadata, {_PATH}\) = 'array'")


def index_field(connection: sqlite3.Connection, name: str) -> bool:
    """Index a field of the metadata, inside the transaction of a writer.

    Args:
        connection: of the writer.
        name: as filters spell it, such as `year` or `author.name`; plain names only.

    Returns:
        Whether it is new.

    Raises:
        InputError: a column, or a name that needs double quotes.
    """
    keys = _plain(name)
    if spelled(keys) in indexed_fields(connection):
        return False
    path, mark = json_path(keys), _mark(keys)
    connection.execute("PRAGMA trusted_schema = ON")  # as `trust_fields` will find
    connection.execute(f"CREATE INDEX field_{mark} ON documents(json_extract(metadata, '{path}'))")
    lists = f"json_type(metadata, '{path}') = 'array'"
    connection.execute(f"CREATE INDEX lists_{mark} ON documents(slot) WHERE {lists}")
    return True


def drop_index(connection: sqlite3.Connection, name: str) -> bool:
    """Take the index of a field away.

    Returns:
        Whether there was one.
    """
    keys = _plain(name)
    there = spelled(keys) in indexed_fields(connection)
    for kind in ("field", "lists"):
        connection.execute(f"DROP INDEX IF EXISTS {kind}_{_mark(keys)}")
    return there


def indexed_fields(connection: sqlite3.Connection) -> list[str]:
    """The fields that have an index, as filters spell them."""
    found = []
    for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'documents'"):
        if match := _MADE.fullmatch(sql or ""):
            keys = tuple(re.findall(r'\."([^"]+)"', match.group(1)))
            if all(map(plain_name, keys)):
                found.append(spelled(keys))
    return sorted(found)


def trust_fields(connection: sqlite3.Connection) -> None:
    """Trust the schema of a database whose only views, triggers and indexes are indexes over fields; else distrust it.

    Some versions of SQLite count functions of JSON among those that a file must not make them call, and do not even
    read an untrusted schema that does. Reading it calls none.
    """
    connection.execute("PRAGMA trusted_schema = ON")
    extras = [sql for (sql,) in connection.execute(_EXTRAS)]
    if not extras or not all(_MADE.fullmatch(sql) or _LISTS.fullmatch(sql) for sql in extras):
        connection.execute("PRAGMA trusted_schema = OFF")


def through_index(connection: sqlite3.Connection, where: Filter, made: Condition) -> Condition:
    """The condition of a filter, led by the index of its rarest test where one of few documents has one.

    Only tests that every match passes can lead, those joined by `and`; of comparisons, `in` and `between`.

    Args:
        connection: to the database of a store.
        where: the filter.
        made: its condition over the table `documents`.
    """
    fields = indexed_fields(connection)
    tests = [test for test in _conjuncts(where) if test.field in fields] if fields else []
    if not tests:
        return made
    (end,) = connection.execute("SELECT coalesce(max(slot), 0) FROM documents").fetchone()
    best, fewest = None, end // _SHARE
    for test in tests:
        found = _candidates(test)
        query = f"SELECT count(*) FROM (SELECT 1 FROM ({found.sql}) LIMIT ?)"
        (count,) = connection.execute(query, (*found.parameters, fewest + 1)).fetchone()
        if count <= fewest:
            best, fewest = found, count
    if best is None:
        return made
    return Condition(f"(documents.slot IN ({best.sql}) AND {made.sql})", (*best.parameters, *made.parameters))


def _plain(name: str) -> tuple[str, ...]:
    keys = parse_field(name)
    if keys[0] in COLUMNS:
        raise InputError(f"`{keys[0]}` is no field of the metadata; only those can be indexed.")
    if not all(map(plain_name, keys)):
        raise InputError(f"A field whose name needs double quotes cannot be indexed. Got {spelled(keys)}.")
    return keys


def _mark(keys: tuple[str, ...]) -> str:
    """A name for the index: the database does not tell capitals from small letters, fields do."""
    return hashlib.sha256("\0".join(keys).encode()).hexdigest()[:16]


def _conjuncts(where: Filter) -> Iterator[Compare | OneOf | Between]:
    for part in where.parts if isinstance(where, And) else (where,):
        if isinstance(part, And):
            yield from _conjuncts(part)
        elif isinstance(part, (Compare, OneOf, Between)):
            yield part


def _candidates(test: Compare | OneOf | Between) -> Condition:
    """The slots of all documents that may pass a test, and of those with a list, whose elements no index knows."""
    path = json_path(test.keys)
    value = f"json_extract(metadata, '{path}')"
    if isinstance(test, OneOf):
        listed = json.dumps(test.choices, ensure_ascii=False)
        form = Condition(f"{value} IN (SELECT value FROM json_each(?))", (listed,))
    elif isinstance(test, Between):
        low, high = _bound(test.low), _bound(test.high)
        form = Condition(f"{value} BETWEEN {low.sql} AND {high.sql}", (*low.parameters, *high.parameters))
    else:
        bound = _bound(test.value)
        form = Condition(f"{value} {test.operator} {bound.sql}", bound.parameters)
    lists = f"SELECT slot FROM documents WHERE json_type(metadata, '{path}') = 'array'"
    return Condition(f"SELECT slot FROM documents WHERE {form.sql} UNION ALL {lists}", form.parameters)


def _bound(value: str | float) -> Condition:
    """A value as a parameter, as SQLite reads it from JSON: true is 1, and a number of more than 64 bits a fraction."""
    if isinstance(value, str) or (isinstance(value, int) and -_LARGEST <= value < _LARGEST):
        return Condition("?", (int(value) if isinstance(value, bool) else value,))
    return Condition("CAST(? AS REAL)", (repr(value),))
