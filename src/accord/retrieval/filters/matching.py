"""Which documents of one commit pass a filter, with a memory for the last few filters."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from accord.retrieval.filters.fields import Checked, check_fields
from accord.retrieval.filters.indexing import through_index
from accord.retrieval.filters.parser import parse
from accord.retrieval.filters.sql import Condition, condition
from accord.retrieval.filters.tree import Filter

__all__ = ["Matching", "as_filter", "matching_slots", "passing_slots"]

_REMEMBERED = 16
_BYTES = 64 << 20
_AT_ONCE = 1 << 24


def as_filter(where: Filter | str) -> Filter:
    """A filter, from its text or as it is.

    Raises:
        InputError: a text that cannot be read, or something else.
    """
    return where if isinstance(where, Filter) else parse(where)


class Matching:
    """Answers filters about the documents of one commit; keeps the positions that the last few matched.

    For one thread at a time: the holder of the connection keeps others out.
    """

    def __init__(self) -> None:
        self._checked: Checked = set()
        self._known: OrderedDict[str, np.ndarray] = OrderedDict()

    def positions(
        self, connection: sqlite3.Connection, where: Filter, place: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """The positions of the documents that pass, rising; not to be written to.

        Args:
            connection: to the database, at the commit that this is for.
            where: the filter.
            place: the positions of rising slots.

        Raises:
            InputError: as of :func:`passing_slots`.
        """
        key = str(where)
        if (known := self._known.pop(key, None)) is None:
            known = place(passing_slots(connection, where, self._checked))
            known.flags.writeable = False
        self._known[key] = known
        while len(self._known) > _REMEMBERED or sum(found.nbytes for found in self._known.values()) > _BYTES:
            self._known.popitem(last=False)
        return known


def passing_slots(connection: sqlite3.Connection, where: Filter, checked: Checked | None = None) -> np.ndarray:
    """The slots of the documents that pass a filter, rising, by an index where that is quicker.

    Args:
        connection: to the database of a store.
        where: the filter.
        checked: fields that are known to be there; takes in what is found.

    Raises:
        InputError: a field that no document has, or that holds values of other kinds only.
    """
    made = condition(where)
    check_fields(connection, where, set() if checked is None else checked)
    return matching_slots(connection, through_index(connection, where, made))


def matching_slots(connection: sqlite3.Connection, made: Condition) -> np.ndarray:
    """The slots of the documents that pass, rising; read as one text, which for millions is faster than a row each."""
    (end,) = connection.execute("SELECT coalesce(max(slot), -1) + 1 FROM documents").fetchone()
    parts = [np.empty(0, dtype=np.int64)]
    sql = f"SELECT group_concat(slot) FROM documents WHERE slot BETWEEN ? AND ? AND {made.sql}"
    for first in range(0, end, _AT_ONCE):
        (text,) = connection.execute(sql, (first, first + _AT_ONCE - 1, *made.parameters)).fetchone()
        parts.append(np.sort(np.fromstring(text or "", dtype=np.int64, sep=",")))
    return np.concatenate(parts)
