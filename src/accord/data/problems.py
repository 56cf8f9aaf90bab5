"""All rows of a table that a signal could not use, not only the first one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from accord.data.columns import Role, match, take_column
from accord.data.faults import (
    Fault,
    id_faults,
    label_faults,
    list_faults,
    note_faults,
    number_faults,
    score_faults,
    text_faults,
)
from accord.data.signals import Signal

__all__ = ["faulty_rows"]


def faulty_rows(
    kind: type[Signal], table: pa.Table, columns: Mapping[str, str | None]
) -> tuple[list[tuple[int | None, str]], np.ndarray]:
    """What a signal would refuse in a table.

    Args:
        kind: the signal.
        table: as read.
        columns: role to source column.

    Returns:
        A row (from 0; None where a whole column is of the wrong kind) and what is wrong with it, for every broken rule,
        in order of rows; and the rows without any, rising.

    Raises:
        DataError: a required column is missing.

    >>> from accord.data.signals import Unlabelled
    >>> faulty_rows(Unlabelled, pa.table({"text": ["a", "", None]}), {})[1].tolist()
    [0]
    """
    table = kind.laid_out(table, columns)
    names = match(
        kind.roles, table.schema, columns, signal=kind.__name__, what="The file", numbered=kind.numbered_negatives
    )
    good = np.ones(table.num_rows, dtype=bool)
    found: list[tuple[int | None, str]] = []
    for fault in _faults(kind, table, names, columns):
        good[fault.rows] = False
        if fault.whole and len(fault.rows):
            found.append((None, fault.say(0)))
        else:
            found.extend((row, fault.say(row)) for row in fault.rows.tolist())
    found.sort(key=lambda problem: -1 if problem[0] is None else problem[0])
    return found, np.flatnonzero(good)


def _faults(
    kind: type[Signal], table: pa.Table, names: Mapping[str, str], columns: Mapping[str, str | None]
) -> Iterator[Fault]:
    roles = {role.name: role for role in kind.roles}
    given = columns.get("id", next((n for n in ("id", "_id") if n in table.column_names), None))
    if given is not None:
        yield from id_faults(take_column(table, given), given)
    for part, name in names.items():
        if part != "id":
            yield from _of_role(roles.get(part, Role(part, "text")), table, names, name)


def _of_role(role: Role, table: pa.Table, names: Mapping[str, str], name: str) -> Iterator[Fault]:
    column = take_column(table, name)
    if role.kind == "numbers":
        like = names.get(role.name.partition("_")[0])
        return number_faults(column, take_column(table, like), name) if like is not None else iter(())
    if role.kind == "texts":
        return list_faults(column, name, least=role.least)
    rules = {"text": text_faults, "number": score_faults, "label": label_faults, "note": note_faults}
    return rules[role.kind](column, name)
