"""Which signal a table is, by its columns; where two readings are possible, an error that asks."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from accord.core.errors import DataError, InputError
from accord.data.arrow import compute as pc
from accord.data.checking import is_text
from accord.data.columns import FIRSTS, has_column, match, take_column
from accord.data.signals import SIGNALS, Labelled, Pairs, Ranked, Scored, Signal, Unlabelled, origin_of

__all__ = ["detect"]

MARKS = ("label", "labels")


def detect(table: pa.Table, columns: Mapping[str, str | None] | None = None) -> type[Signal]:
    """The signal that a table's columns stand for.

    Two texts with a score, or with a 0/1 label, are `Scored`; an anchor and a positive are `Pairs`, also with a graded
    `score`; lists of positives are `Ranked`; a text with a label is `Labelled`; a text alone is `Unlabelled`.

    Args:
        table: as read from a source.
        columns: role to source column where the names do not say it; narrows the choice.

    Raises:
        DataError: no signal fits, or more than one does; says which columns there are and how to choose.

    >>> detect(pa.table({"query": ["a"], "pos": [["b"]], "neg": [["c"]]})).__name__
    'Ranked'
    """
    columns = dict(columns or {})
    what = origin_of(table) or "The table"
    fits = {kind: names for kind in SIGNALS if (names := _fits(kind, table, columns)) is not None}
    if Scored in fits and not _is_score(table, fits[Scored]["score"], named="score" in columns):
        del fits[Scored]
        _refuse_classes_of_pairs(table, fits, columns, what)
    if len(fits) > 1:
        fits.pop(Unlabelled, None)
    if Pairs in fits and Scored in fits:
        fits.pop(_of_two(fits[Pairs], fits[Scored], columns, what))
    if len(fits) == 1:
        return next(iter(fits))
    if not fits:
        raise DataError(_no_signal(table, what))
    readings = " or ".join(f"{kind.__name__} ({_shown(names)})" for kind, names in fits.items())
    choices = " or ".join(f"signal={kind.__name__}" for kind in fits)
    raise DataError(f"{what} can be read as {readings}. Say which: {choices}.")


def _fits(kind: type[Signal], table: pa.Table, columns: Mapping[str, str | None]) -> dict[str, str] | None:
    try:
        names = match(
            kind.roles,
            table.schema,
            {role: column for role, column in columns.items() if role != "id"},
            signal=kind.__name__,
            what="The table",
            numbered=kind.numbered_negatives,
        )
    except DataError:
        if any(column is not None and not has_column(table.schema, column) for column in columns.values()):
            raise
        return None
    except InputError:
        return None
    if kind is Ranked and "pos" not in names:
        return None
    for role in kind.roles:
        if role.name in names and role.required and not role.fits(take_column(table, names[role.name]).type):
            return None
    return names


def _is_score(table: pa.Table, name: str, *, named: bool) -> bool:
    """Whether a column is a score: any number, but under the name of a label only 0/1 or fractions."""
    column = take_column(table, name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_text(column.type):
        try:
            column = pc.utf8_trim_whitespace(column).cast(pa.float64())
        except pa.ArrowInvalid:
            return named or name.lower() not in MARKS
    if named or name.lower() not in MARKS or pa.types.is_boolean(column.type):
        return True
    numbers = column.cast(pa.float64(), safe=False)
    marks = pc.all(pc.is_in(numbers, pa.array([0.0, 1.0]))).as_py()
    return bool(marks or pc.any(pc.not_equal(pc.round(numbers), numbers)).as_py())


def _refuse_classes_of_pairs(
    table: pa.Table, fits: Mapping[type[Signal], Mapping[str, str]], columns: Mapping[str, str | None], what: str
) -> None:
    """Two texts with classes (as in inference data): taken for pairs, contradictions would become positives.

    Raises:
        DataError: asks for the rows that are meant.
    """
    pair = fits.get(Pairs)
    symmetric = pair is not None and pair["anchor"].lower() in FIRSTS and "anchor" not in columns
    if symmetric and Labelled not in fits:
        mark = next(name for name in table.column_names if name.lower() in MARKS)
        some = ", ".join(map(repr, pc.unique(table.column(mark)).slice(0, 4).to_pylist()))
        raise DataError(
            f"{what} holds two texts and classes ({mark}: {some}), which is neither Pairs nor Scored. Keep the rows "
            "whose texts mean the same and say signal=Pairs, or write 0/1 for a score."
        )


def _of_two(
    pair: Mapping[str, str], scored: Mapping[str, str], columns: Mapping[str, str | None], what: str
) -> type[Signal]:
    """Of the two readings of a scored pair, the one to leave out.

    Raises:
        DataError: the names leave it open.
    """
    if {"text1", "text2"} & set(columns) or pair["anchor"].lower() in FIRSTS:
        return Pairs
    if scored["score"].lower() in {*MARKS, "is_duplicate"}:
        return Pairs
    if {"anchor", "positive"} & set(columns) or pair["positive"].lower() in {"positive", "pos"}:
        return Scored
    raise DataError(
        f"{what}: `{scored['score']}` can grade the relevance of Pairs or be the target of Scored. "
        "Say which: signal=Pairs or signal=Scored."
    )


def _no_signal(table: pa.Table, what: str) -> str:
    names = [name for name in table.column_names if name != "id"]
    message = (
        f"{what}: these columns make no signal: {', '.join(names)}. Name them, for example "
        "columns={'anchor': '...', 'positive': '...'} or columns={'text': '...', 'label': '...'}."
    )
    for field in table.schema:
        if pa.types.is_struct(field.type) and field.type.num_fields:
            inner = field.type.field(0).name
            return f"{message} `{field.name}` is an object: reach into it with a dot, as in '{field.name}.{inner}'."
    return message


def _shown(names: Mapping[str, str]) -> str:
    return ", ".join(role if role == name else f"{role}: {name}" for role, name in names.items())
