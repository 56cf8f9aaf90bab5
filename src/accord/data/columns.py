"""Which column plays which part: roles, the names people use for them, and the match between the two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from accord.core.checks import did_you_mean
from accord.core.errors import DataError, InputError
from accord.data.arrow import compute as pc
from accord.data.checking import is_list, is_text

__all__ = [
    "ANCHORS",
    "FIRSTS",
    "NEGATIVES",
    "POSITIVES",
    "SCORES",
    "SECONDS",
    "Role",
    "SeveralColumns",
    "has_column",
    "match",
    "numbered_negative",
    "take_column",
]

FIRSTS = (
    *("text1", "text_1", "sentence1", "sentence_1", "sentence_a", "sent1", "premise"),
    *("question1", "question_1", "title1", "body1", "post1", "caption1", "word1"),
)
SECONDS = (
    *("text2", "text_2", "sentence2", "sentence_2", "sentence_b", "sent2", "hypothesis"),
    *("question2", "question_2", "title2", "body2", "post2", "caption2", "word2"),
)
ANCHORS = ("anchor", "query", "question", "english")
POSITIVES = (
    *("positive", "pos", "passage", "answer", "document", "context", "response", "paraphrase"),
    *("positive_passage", "non_english"),
)
NEGATIVES = ("neg", "hard_negative", "negative_passage")

SCORES = (
    *("scores", "sim", "similarity", "similarity_score", "relatedness", "relatedness_score", "gold_score"),
    *("is_duplicate", "label", "labels"),
)

NEGATIVE = re.compile(r"negative(_\d+)?")
NUMBERED_NEGATIVE = re.compile(r"(?:hard_)?neg(?:ative)?_?(\d+)", re.IGNORECASE)


class SeveralColumns(DataError):
    """Two columns could play one part, and nothing says which."""


@dataclass(frozen=True)
class Role:
    """One canonical column of a signal.

    Args:
        name: canonical name.
        kind: "text", "texts" (a list), "number", "numbers" (a list), "label" or "note" (a text that may be missing).
        aliases: other names that are taken for it, compared without case.
        required: a table without it is not this signal.
        least: fewest texts in each list.
    """

    name: str
    kind: str
    aliases: tuple[str, ...] = ()
    required: bool = True
    least: int = 0

    def fits(self, type_: pa.DataType) -> bool:
        """Whether values of this type can play the part."""
        kind = type_.value_type if pa.types.is_dictionary(type_) else type_
        if self.kind in {"text", "note"}:
            return is_text(kind)
        if self.kind in {"texts", "numbers"}:
            return is_list(kind)
        plain = is_text(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
        return plain or (pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def match(
    roles: Iterable[Role],
    schema: pa.Schema,
    columns: Mapping[str, str | None],
    *,
    signal: str,
    what: str,
    numbered: bool = False,
) -> dict[str, str]:
    """The source column of each role: first what `columns` says, then the canonical name, then an alias.

    Args:
        roles: what the signal needs.
        schema: the source's columns.
        columns: role to source column, as the user wrote it; a dot reaches into an object, as in ``text1.de``.
        signal: name of the signal, for messages.
        what: the file or the table, for messages.
        numbered: whether the signal takes ``negative``, ``negative_1``, ... as well, also as ``neg_1`` or
            ``hard_negative_1``.

    Raises:
        DataError: a column or a required role is missing, or two columns could play one part.
        InputError: `columns` names a role that the signal does not have.
    """
    known = {role.name: role for role in roles}
    _check_columns(known, schema, columns, signal=signal, what=what, numbered=numbered)
    found = {role: column for role, column in columns.items() if column is not None}
    used = set(found.values())
    for role in known.values():
        if role.name not in columns:
            column = _find(role, schema, used, signal=signal, what=what)
            if column is not None:
                found[role.name] = column
                used.add(column)
    if numbered:
        for name in sorted(schema.names, key=lambda n: (len(n), n)):
            role = numbered_negative(name)
            if role is not None and name not in used and role not in columns and role not in found:
                found[role] = name
    return found


def numbered_negative(name: str) -> str | None:
    """The canonical name of a column that holds one of several negatives; None for another column."""
    number = NUMBERED_NEGATIVE.fullmatch(name)
    return name if NEGATIVE.fullmatch(name) else f"negative_{number[1]}" if number else None


def _check_columns(
    known: Mapping[str, Role],
    schema: pa.Schema,
    columns: Mapping[str, str | None],
    *,
    signal: str,
    what: str,
    numbered: bool,
) -> None:
    for role, column in columns.items():
        if role != "id" and role not in known and not (numbered and NEGATIVE.fullmatch(role)):
            raise InputError(
                f"`columns`: the signal {signal} has no part `{role}`.{did_you_mean(role, known)} "
                f"It has: {', '.join(known)}, id."
            )
        if column is None and role in known and known[role].required:
            raise InputError(
                f"`columns`: `{role}` must name a column. Only what {signal} can do without may be None, and `id` "
                "(rows are numbered)."
            )
        if column is not None and not has_column(schema, column):
            raise DataError(
                f"{what} has no column `{column}`.{did_you_mean(column, schema.names)} "
                f"It has: {', '.join(schema.names)}."
            )


def _find(role: Role, schema: pa.Schema, used: set[str], *, signal: str, what: str) -> str | None:
    free = [name for name in schema.names if name not in used]
    if role.name in free:
        return role.name
    hits = [name for name in free if name.lower() in {role.name, *role.aliases}]
    hits = [name for name in hits if role.fits(schema.field(name).type)] or hits
    if len(hits) == 1 and (role.required or role.fits(schema.field(hits[0]).type)):
        return hits[0]
    if role.required and hits:
        choice = " or ".join(f"columns={{{role.name!r}: {name!r}}}" for name in hits)
        raise SeveralColumns(f"{what}: several columns could be `{role.name}` of {signal}. Say which: {choice}.")
    if role.required:
        raise DataError(
            f"{what} has no column for `{role.name}` of {signal}. It has: {', '.join(schema.names)}. "
            f"Name one: columns={{{role.name!r}: '...'}}."
        )
    return None


def has_column(schema: pa.Schema, name: str) -> bool:
    """Whether a table has this column, or this field of an object column."""
    if schema.get_field_index(name) >= 0:
        return True
    head, _, rest = name.partition(".")
    if not rest or schema.get_field_index(head) < 0:
        return False
    kind = schema.field(head).type
    for part in rest.split("."):
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            return False
        kind = kind.field(part).type
    return True


def take_column(table: pa.Table, name: str) -> pa.ChunkedArray:
    """A column, or a field of an object column by its dotted name."""
    if table.schema.get_field_index(name) >= 0:
        return table.column(name)
    head, *parts = name.split(".")
    return pc.struct_field(table.column(head), parts)
