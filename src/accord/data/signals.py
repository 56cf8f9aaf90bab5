"""Signals: what a table says is near. The columns decide which signal a table is; Arrow holds the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from accord.core.checks import did_you_mean
from accord.core.errors import DataError, InputError
from accord.data.arrow import compute as pc
from accord.data.checking import (
    check_ids,
    check_labels,
    check_lists,
    check_notes,
    check_numbers,
    check_scores,
    check_texts,
    is_list,
)
from accord.data.columns import (
    ANCHORS,
    FIRSTS,
    NEGATIVE,
    NEGATIVES,
    POSITIVES,
    SCORES,
    SECONDS,
    Role,
    match,
    take_column,
)
from accord.data.hashing import hash_table
from accord.data.lines import Where, first_of, origin_of
from accord.data.lists import with_lists

__all__ = ["SIGNALS", "Labelled", "Pairs", "Ranked", "Scored", "Signal", "Unlabelled"]

Rows = pa.Table | Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]


class Signal:
    """Rows of one kind of supervision. Use one of the five below.

    The table holds the canonical columns, `id` (unique strings) and every further column of the source under its own
    name; a further column whose name is taken by a canonical one is kept as ``source_NAME``.

    Args:
        table: an Arrow table, a mapping of columns or a list of rows.
        columns: role to source column where the names do not say it, such as ``{"anchor": "title"}``; a dot reaches
            into an object (``text1.de``); ``{"id": None}`` numbers the rows instead of using their `id`, and None
            leaves aside any other part that the signal can do without.
        origin: the file that the rows came from, for messages; a table read by accord knows it.

    Raises:
        DataError: a missing column, or a row that is missing, empty, of the wrong type or used twice, with its line.
        InputError: `columns` names a part that the signal does not have.
    """

    roles: ClassVar[tuple[Role, ...]] = ()
    numbered_negatives: ClassVar[bool] = False

    table: pa.Table
    names: Mapping[str, str]
    origin: str | None

    def __init__(
        self, table: Rows, *, columns: Mapping[str, str | None] | None = None, origin: str | None = None
    ) -> None:
        source = self.laid_out(as_table(table), columns or {})
        self.origin = str(origin) if origin is not None else origin_of(source)
        where = Where(self.origin, source.num_rows, first_of(source))
        self.names = match(
            self.roles,
            source.schema,
            columns or {},
            signal=type(self).__name__,
            what=where.what,
            numbered=self.numbered_negatives,
        )
        if not source.num_rows:
            raise DataError(f"{where.what} has no rows.")
        self.table = self._arrange(source, columns or {}, where)

    @classmethod
    def of(cls, table: Rows, *, columns: Mapping[str, str | None] | None = None, origin: str | None = None) -> Self:
        """Build from rows; the same as calling the class."""
        return cls(table, columns=columns, origin=origin)

    @classmethod
    def trusted(cls, table: pa.Table, names: Mapping[str, str], origin: str | None) -> Self:
        """Rows that were checked before, in canonical columns: nothing is looked at again."""
        new = object.__new__(cls)
        new.table, new.names, new.origin = table, names, origin
        return new

    @classmethod
    def laid_out(cls, table: pa.Table, columns: Mapping[str, str | None]) -> pa.Table:
        """The table as this kind of signal reads it: most kinds take it as it is."""
        del columns
        return table

    def _arrange(self, source: pa.Table, columns: Mapping[str, str | None], where: Where) -> pa.Table:
        done: dict[str, pa.ChunkedArray] = {"id": self._ids(source, columns, where)}
        kinds = {role.name: role for role in self.roles}
        for role in self._ordered():
            column, name = take_column(source, self.names[role]), self.names[role]
            done[role] = _checked(kinds.get(role, Role(role, "text")), column, name, where)
        if any(role.name == "neg" for role in self.roles) and "neg" not in done:
            done["neg"] = pa.chunked_array([pa.array([[]] * source.num_rows, pa.large_list(pa.large_string()))])
        for numbers in (n for n, role in kinds.items() if role.kind == "numbers" and n in self.names):
            column = take_column(source, self.names[numbers])
            done[numbers] = check_numbers(column, done[numbers.partition("_")[0]], self.names[numbers], where)
        used = set(self.names.values())
        for name in source.column_names:
            if name not in used:
                done[f"source_{name}" if name in done else name] = source.column(name)
        return pa.table(done)

    def _ordered(self) -> list[str]:
        listed = [role.name for role in self.roles if role.name in self.names and role.kind != "numbers"]
        extra = [role for role in self.names if NEGATIVE.fullmatch(role) and role not in listed]
        return listed + sorted(extra, key=lambda n: (len(n), n))

    def _ids(self, source: pa.Table, columns: Mapping[str, str | None], where: Where) -> pa.ChunkedArray:
        given = columns.get("id", next((n for n in ("id", "_id") if n in source.column_names), None))
        if given is None:
            return pa.chunked_array([pa.array(np.arange(source.num_rows)).cast(pa.large_string())])
        self.names = {**self.names, "id": given}
        return check_ids(take_column(source, given), given, where)

    def __len__(self) -> int:
        return self.table.num_rows

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows: {', '.join(self.table.column_names)})"

    def take(self, indices: Sequence[int] | np.ndarray) -> Self:
        """The rows at `indices`, in that order, as a signal of the same kind."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.table = self.table.take(pa.array(np.asarray(indices, dtype=np.int64)))
        return new

    @property
    def ids(self) -> list[str]:
        """Ids of the rows."""
        return self.table.column("id").to_pylist()

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Canonical columns that hold texts, one or a list of them a row."""
        kinds = {role.name: role.kind for role in self.roles}
        ordered = self._ordered()
        return tuple(n for n in ordered if kinds.get(n, "text") in {"text", "texts"} and n != "prompt")

    def resolve(self, name: str) -> str:
        """The table's name of a column that the caller knows by its canonical or its source name.

        Raises:
            InputError: no such column, with a suggestion.
        """
        known = {source: role for role, source in self.names.items()}
        known |= {column: column for column in self.table.column_names}
        if name not in known:
            raise InputError(
                f"{self.origin or type(self).__name__} has no column `{name}`.{did_you_mean(name, known)} "
                f"It has: {', '.join(known)}."
            )
        return known[name]

    def column(self, name: str) -> list[Any]:
        """Values of a column, by its canonical or its source name.

        Raises:
            InputError: no such column.
        """
        return self.table.column(self.resolve(name)).to_pylist()

    def texts(self, name: str) -> pa.ChunkedArray:
        """All texts of a text column; lists are laid end to end."""
        column = self.table.column(self.resolve(name))
        return pc.list_flatten(column) if is_list(column.type) else column

    def fingerprint(self) -> str:
        """SHA-256 over the kind of signal and the content of every column, in hexadecimal."""
        return hash_table(self.table.append_column("\x1fsignal", pa.array([type(self).__name__] * len(self))))

    def describe(self) -> dict[str, Any]:
        """Rows, unique texts and mean characters of each text column, and rows of each label."""
        columns = {name: self.texts(name) for name in self.text_columns}
        summary: dict[str, Any] = {
            "signal": type(self).__name__,
            "rows": len(self),
            "unique_texts": {n: pc.count_distinct(c).as_py() for n, c in columns.items()},
            "mean_characters": {n: round(pc.mean(pc.utf8_length(c)).as_py() or 0.0, 1) for n, c in columns.items()},
        }
        if "label" in self.table.column_names and any(role.kind == "label" for role in self.roles):
            summary["labels"] = label_counts(self.table.column("label"))
        return summary

    @property
    def problems(self) -> tuple[str, ...]:
        """What can be trained on but is worth knowing, in plain words."""
        return ()

    def _repeats(self, *columns: str) -> int:
        return len(self) - self.table.group_by(list(columns)).aggregate([]).num_rows


class Pairs(Signal):
    """An `anchor` and its `positive`; optional negatives (`negative`, `negative_1`, ...) and a graded `score`.

    ``corpus`` (columns id, text) holds further documents that retrieval is evaluated against.

    >>> pairs = Pairs.of({"question": ["How do I pay?"], "answer": ["By card."]})
    >>> pairs.table.column_names, pairs.column("answer")
    (['id', 'anchor', 'positive'], ['By card.'])
    """

    roles = (
        Role("anchor", "text", (*ANCHORS, *FIRSTS)),
        Role("positive", "text", (*POSITIVES, *SECONDS)),
        Role("negative", "text", NEGATIVES, required=False),
        Role("score", "number", required=False),
    )
    numbered_negatives = True
    corpus: pa.Table | None = None

    def with_corpus(self, corpus: pa.Table | None) -> Self:
        """The same pairs beside further documents.

        Raises:
            DataError: the corpus lacks `id` or `text`, or has a bad row.
        """
        new = self.take(np.arange(len(self)))
        new.corpus = None if corpus is None else Unlabelled(corpus).table
        return new

    @property
    def negative_columns(self) -> tuple[str, ...]:
        """Names of the columns with hard negatives."""
        return tuple(name for name in self.text_columns if NEGATIVE.fullmatch(name))

    def fingerprint(self) -> str:
        """As of the signal, with the corpus."""
        own = super().fingerprint()
        if self.corpus is None:
            return own
        return hash_table(pa.table({"pairs": [own], "corpus": [hash_table(self.corpus)]}))

    @property
    def problems(self) -> tuple[str, ...]:
        """Pairs whose sides are equal, and pairs that occur twice."""
        same = pc.sum(pc.equal(self.table.column("anchor"), self.table.column("positive"))).as_py() or 0
        repeats = self._repeats("anchor", "positive")
        notes = [f"{same} row(s) have an anchor that equals its positive: they teach nothing."] if same else []
        return (*notes, *([f"{repeats} row(s) repeat an earlier pair."] if repeats else []))


class Labelled(Signal):
    """A `text` and the `label` of its class; labels are strings.

    Where the class is that of two texts together, `text2` names the second one (``columns={"text2": "hypothesis"}``);
    such rows are for cross-encoders.

    >>> Labelled.of([{"text": "Where is my card?", "label": 3}]).column("label")
    ['3']
    """

    roles = (
        Role("text", "text", ("sentence", "utterance", "content")),
        Role("text2", "text", required=False),
        Role("label", "label", ("labels", "label_text", "class", "category", "intent")),
    )

    @property
    def problems(self) -> tuple[str, ...]:
        """Labels with a single row, and texts under two labels."""
        lonely = sum(count == 1 for count in label_counts(self.table.column("label")).values())
        both = self._repeats("text") - self._repeats("text", "label")
        notes = [f"{lonely} label(s) have a single row, which has no positive."] if lonely else []
        return (
            *notes,
            *([f"{both} row(s) repeat a text under another label."] if both else []),
        )


class Scored(Signal):
    """Two texts and how near they are: any finite number, larger is nearer; pairs marked 0/1 are scored too.

    >>> Scored.of({"sentence1": ["a cat"], "sentence2": ["a dog"], "label": [0]}).column("score")
    [0.0]
    """

    roles = (
        Role("text1", "text", (*FIRSTS, *ANCHORS)),
        Role("text2", "text", (*SECONDS, *POSITIVES)),
        Role("score", "number", SCORES),
    )

    @property
    def problems(self) -> tuple[str, ...]:
        """Scores that are all equal."""
        one = pc.count_distinct(self.table.column("score")).as_py() == 1
        return ("All scores are equal: there is nothing to rank.",) if one else ()


class Ranked(Signal):
    """A `query` with lists of positives `pos` and negatives `neg`, and what goes with them.

    Optional are a teacher's ``pos_scores`` and ``neg_scores``, grades of relevance ``pos_labels`` and ``neg_labels``,
    and a ``prompt`` of each row. Numbered columns (``positive_1``, ``positive_2``, ...), judged documents (``query``,
    ``docs``, ``labels``), lists of passage objects and ``{"set": [...]}`` are understood as well.

    >>> Ranked.of([{"query": "colour", "pos": ["red", "blue"], "neg": ["dog"]}]).column("pos")
    [['red', 'blue']]
    """

    roles = (
        Role("query", "text", ("anchor", "question")),
        Role("pos", "texts", ("positive", "positives"), least=1),
        Role("neg", "texts", ("negative", "negatives"), required=False),
        Role("pos_scores", "numbers", required=False),
        Role("neg_scores", "numbers", required=False),
        Role("pos_labels", "numbers", required=False),
        Role("neg_labels", "numbers", required=False),
        Role("prompt", "note", required=False),
    )

    @classmethod
    def laid_out(cls, table: pa.Table, columns: Mapping[str, str | None]) -> pa.Table:
        """The table with its lists in `pos` and `neg`, whichever way it writes them."""
        return with_lists(table, columns)

    @property
    def prompted(self) -> int:
        """How many rows have a `prompt` of their own."""
        if "prompt" not in self.table.column_names:
            return 0
        return pc.sum(pc.greater(pc.utf8_length(pc.fill_null(self.table.column("prompt"), "")), 0)).as_py() or 0

    def with_prompts(self) -> Self:
        """The same rows with each row's `prompt` put before its query, as it stands.

        >>> row = {"prompt": "Find: ", "query": "colour", "pos": ["red"], "neg": []}
        >>> Ranked.of([row]).with_prompts().column("query")
        ['Find: colour']
        """
        if not self.prompted:
            return self
        new = self.take(np.arange(len(self)))
        prompts = pc.fill_null(self.table.column("prompt"), "")
        queries = pc.binary_join_element_wise(prompts, self.table.column("query"), pa.scalar("", pa.large_string()))
        table = self.table.drop_columns(["prompt"])
        new.table = table.set_column(table.column_names.index("query"), "query", queries)
        new.names = {role: column for role, column in self.names.items() if role != "prompt"}
        return new

    @property
    def problems(self) -> tuple[str, ...]:
        """Queries without a negative of their own."""
        bare = pc.sum(pc.equal(pc.list_value_length(self.table.column("neg")), 0)).as_py() or 0
        return (f"{bare} row(s) have no negative of their own.",) if bare else ()


class Unlabelled(Signal):
    """Texts alone.

    >>> len(Unlabelled.of({"text": ["one", "two"]}))
    2
    """

    roles = (Role("text", "text", ("sentence", "content", "document", "passage")),)


SIGNALS: tuple[type[Signal], ...] = (Pairs, Labelled, Scored, Ranked, Unlabelled)


def as_table(rows: Rows) -> pa.Table:
    """Rows in any of the accepted forms as an Arrow table.

    Raises:
        DataError: the values do not make columns of one type each.
    """
    if isinstance(rows, pa.Table):
        return rows
    try:
        if isinstance(rows, Mapping):
            return pa.table({str(name): values for name, values in rows.items()})
        return pa.Table.from_pylist([dict(row) for row in rows])
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"The rows do not make a table: {error}") from error


def label_counts(labels: pa.ChunkedArray) -> dict[str, int]:
    """Rows of each label, in order of names."""
    counts = pc.value_counts(labels)
    return dict(sorted(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist())))


def _checked(role: Role, column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    if role.kind == "text":
        return check_texts(column, name, where)
    if role.kind == "texts":
        return check_lists(column, name, where, least=role.least)
    if role.kind == "label":
        return check_labels(column, name, where)
    if role.kind == "number":
        return check_scores(column, name, where)
    return check_notes(column, name, where)
