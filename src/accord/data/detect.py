"""Which signal a table is, by its columns; where two readings are possible, an error that asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from accord.core.checks import check_choice, did_you_mean
from accord.core.errors import DataError, InputError
from accord.data.arrow import compute as pc
from accord.data.checking import is_text
from accord.data.columns import (
    ANCHORS,
    FIRSTS,
    POSITIVES,
    SECONDS,
    SeveralColumns,
    has_column,
    match,
    numbered_negative,
    take_column,
)
from accord.data.lines import origin_of
from accord.data.signals import SIGNALS, Labelled, Pairs, Ranked, Scored, Signal, Unlabelled

__all__ = ["detect", "signal_named"]

MARKS = ("label", "labels")
FAMILIES: Mapping[type[Signal], tuple[str, ...]] = {Pairs: (*FIRSTS, *SECONDS), Scored: (*ANCHORS, *POSITIVES)}
"""Names that are another signal's own; they count only where a table has no name of this one's."""

Reading = tuple[type[Signal], Mapping[str, str]]


def detect(table: pa.Table, columns: Mapping[str, str | None] | None = None) -> type[Signal]:
    """The signal that a table's columns stand for.

    Two texts with a score, or with a 0/1 label, are `Scored`; an anchor and a positive are `Pairs`, also with a graded
    `score`; lists of positives are `Ranked`; a text with a label is `Labelled`; a text alone is `Unlabelled`.

    Where several readings are possible, one is chosen only if it is clearly the more specific:

    - any other signal before `Unlabelled`;
    - `Ranked` before `Pairs` where several numbered positives make the lists;
    - of `Scored` and `Pairs` on the same two columns, `Scored` for names such as ``sentence1`` or a column of 0/1
      labels, `Pairs` for ``anchor`` and ``positive``.

    Anything else is asked: two pairs of columns, a scored pair beside a labelled text, lists beside a pair.

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
    _refuse_unknown_parts(columns)
    fits, unsure = _readings(table, columns)
    if Scored in fits and not _is_score(table, fits[Scored]["score"], named="score" in columns):
        del fits[Scored]
        _refuse_classes_of_pairs(table, fits, columns, what)
    if len(fits) > 1:
        fits.pop(Unlabelled, None)
    if Ranked in fits and Pairs in fits and fits[Pairs]["positive"] not in Ranked.laid_out(table, columns).column_names:
        del fits[Pairs]
    if Pairs in fits and Scored in fits and _same_texts(fits[Pairs], fits[Scored]):
        fits.pop(_of_two(fits[Pairs], fits[Scored], columns, what))
    readings = [reading for kind, names in fits.items() for reading in _alike(kind, names, table, columns)]
    if Scored in fits:  # a pair that also has a score is no second reading
        readings = [(k, names) for k, names in readings if k is not Pairs or not _same_texts(names, fits[Scored])]
    if unsure is not None and set(fits) <= {Unlabelled}:
        raise unsure
    if len(readings) == 1:
        return readings[0][0]
    if not readings:
        raise DataError(_no_signal(table, what))
    raise DataError(_question(readings, what))


def _refuse_unknown_parts(columns: Mapping[str, str | None]) -> None:
    """Parts that no signal has.

    Raises:
        InputError: with those that there are.
    """
    known = dict.fromkeys(["id", *(role.name for kind in SIGNALS for role in kind.roles)])
    for part in columns:
        if part not in known and numbered_negative(part) is None:
            raise InputError(
                f"`columns`: no signal has a part `{part}`.{did_you_mean(part, known)} Parts are: {', '.join(known)}."
            )


def signal_named(name: str) -> type[Signal]:
    """The signal of a name.

    Raises:
        InputError: there is none, with a suggestion.

    >>> signal_named("Pairs").__name__
    'Pairs'
    """
    kinds = {kind.__name__: kind for kind in SIGNALS}
    check_choice("signal", name, kinds)
    return kinds[name]


def _readings(
    table: pa.Table, columns: Mapping[str, str | None]
) -> tuple[dict[type[Signal], dict[str, str]], SeveralColumns | None]:
    """Every signal that fits with its columns; and why one of them does not, if it is for too many columns."""
    fits: dict[type[Signal], dict[str, str]] = {}
    unsure: SeveralColumns | None = None
    for kind in SIGNALS:
        try:
            names = _fits(kind, table, columns)
        except SeveralColumns as error:
            unsure = unsure or error
            continue
        if names is not None:
            fits[kind] = names
    return fits, unsure


def _alike(
    kind: type[Signal], names: Mapping[str, str], table: pa.Table, columns: Mapping[str, str | None]
) -> Iterator[Reading]:
    """The reading of a signal, and a second one where other columns would make the same signal."""
    yield kind, names
    required = [role.name for role in kind.roles if role.required]
    if kind not in {Pairs, Scored, Ranked} or any(role in columns for role in required):
        return
    left = table.drop_columns([name for name in set(names.values()) if name in table.column_names])
    try:
        second = _fits(kind, left, {})
    except SeveralColumns:
        return
    if second is not None and {second[role] for role in required} != {names[role] for role in required}:
        yield kind, second


def _question(readings: Sequence[Reading], what: str) -> str:
    kinds = [kind for kind, _ in readings]
    shown, choices = [], []
    for kind, names in readings:
        shown.append(f"{kind.__name__} ({_shown(names)})")
        needed = {role.name: names[role.name] for role in kind.roles if role.required and role.name in names}
        choice = f"signal={kind.__name__}" if len(set(kinds)) > 1 else ""
        if kinds.count(kind) > 1:
            choice = f"{choice}, columns={needed}" if choice else f"columns={needed}"
        choices.append(choice)
    return f"{what} can be read as {' or '.join(shown)}. Say which: {' or '.join(choices)}."


def _fits(kind: type[Signal], table: pa.Table, columns: Mapping[str, str | None]) -> dict[str, str] | None:
    """The columns that a signal would read; None where it does not fit.

    Raises:
        SeveralColumns: two columns could play one part.
    """
    laid_out = kind.laid_out(table, columns)
    try:
        names = _matched(kind, laid_out.schema, columns)
    except SeveralColumns:
        foreign = [n for n in laid_out.column_names if n.lower() in FAMILIES.get(kind, ())]
        if not foreign or any(column in foreign for column in columns.values()):
            raise
        names = _matched(kind, laid_out.drop_columns(foreign).schema, columns)
    if names is None or (kind is Ranked and "pos" not in names):
        return None
    for role in kind.roles:
        if role.name in names and role.required and not role.fits(take_column(laid_out, names[role.name]).type):
            return None
    return names


def _matched(kind: type[Signal], schema: pa.Schema, columns: Mapping[str, str | None]) -> dict[str, str] | None:
    try:
        return match(
            kind.roles,
            schema,
            {role: column for role, column in columns.items() if role != "id"},
            signal=kind.__name__,
            what="The table",
            numbered=kind.numbered_negatives,
        )
    except SeveralColumns:
        raise
    except DataError:
        if any(column is not None and not has_column(schema, column) for column in columns.values()):
            raise
        return None
    except InputError:
        return None


def _same_texts(pair: Mapping[str, str], scored: Mapping[str, str]) -> bool:
    return {pair["anchor"], pair["positive"]} == {scored["text1"], scored["text2"]}


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
    if pair is not None and symmetric and Labelled not in fits:
        mark = next(name for name in table.column_names if name.lower() in MARKS)
        wanted = {"text": pair["anchor"], "text2": pair["positive"], "label": mark}
        some = ", ".join(map(repr, pc.unique(table.column(mark)).slice(0, 4).to_pylist()))
        raise DataError(
            f"{what} holds two texts and classes ({mark}: {some}), which is neither Pairs nor Scored. Keep the rows "
            "whose texts mean the same and say signal=Pairs, or write 0/1 for a score. To tell the classes apart by a "
            f"cross-encoder, say signal=Labelled, columns={wanted}."
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
