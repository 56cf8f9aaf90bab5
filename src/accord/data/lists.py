"""Other ways to write a query with its lists of texts, rewritten as `pos` and `neg`.

- Numbered columns: ``positive``, ``positive_1``, ... and ``negative``, ``negative_1``, ...; empty cells are left out.
- Taught negatives: ``positive``, ``negative``, ... and ``score``, a list with a teacher's score of each of them in this
  order, which becomes ``pos_scores`` and ``neg_scores``.
- Judged documents: ``query``, ``docs`` and ``labels``, lists of equal length; a label above 0 makes a positive. The
  labels are kept as grades, in ``pos_labels`` and ``neg_labels``.
- Passages as objects: ``positive_passages`` and ``negative_passages``, lists of ``{"title": ..., "text": ...}``.
- Sets: ``{"set": [...]}``, texts that all mean the same; the first one is the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from accord.data.arrow import compute as pc
from accord.data.faults import is_list, is_text, plain

__all__ = ["with_lists"]

TEXTS = pa.large_list(pa.large_string())
POSITIVE = re.compile(r"positive(?:_?(\d+))?|pos_?(\d+)", re.IGNORECASE)
NEGATIVE = re.compile(r"(?:hard_)?neg(?:ative)?(?:_?\d+)?", re.IGNORECASE)
DOCUMENTS = ("docs", "documents", "passages", "candidates")
GRADES = ("labels", "label", "scores", "relevance", "relevances")
PASSAGES = {"pos": "positive_passages", "neg": "negative_passages"}


def with_lists(table: pa.Table, columns: Mapping[str, str | None]) -> pa.Table:
    """The table with its lists as columns `pos` and `neg`, where it writes them in one of the other ways.

    Args:
        table: as read.
        columns: what the caller named; a table whose `pos` is named stays as it is.

    >>> wide = pa.table({"query": ["a"], "positive_1": ["b"], "positive_2": ["c"], "negative": ["d"]})
    >>> with_lists(wide, {}).to_pylist()
    [{'query': 'a', 'pos': ['b', 'c'], 'neg': ['d']}]
    """
    if "pos" in columns:
        return table
    for rewrite in (_passages, _numbered, _taught, _judged, _sets):
        rewritten = rewrite(table)
        if rewritten is not None:
            return rewritten.replace_schema_metadata(table.schema.metadata)
    return table


def _numbered(table: pa.Table) -> pa.Table | None:
    texts = [name for name in table.column_names if _holds_text(table, name)]
    positives = [name for name in texts if POSITIVE.fullmatch(name)]
    if len(positives) < 2:
        return None
    negatives = [name for name in texts if NEGATIVE.fullmatch(name)]
    for role, names in (("pos", positives), ("neg", negatives)):
        if names:
            ordered = sorted(names, key=lambda n: (int("0" + re.sub(r"\D", "", n)), n))
            lists = _stacked([plain(table.column(name)) for name in ordered])
            table = table.drop_columns(ordered).append_column(role, lists)
    return table


def _taught(table: pa.Table) -> pa.Table | None:
    texts = [name for name in table.column_names if _holds_text(table, name)]
    positives = [name for name in texts if POSITIVE.fullmatch(name)]
    negatives = sorted((n for n in texts if NEGATIVE.fullmatch(n)), key=lambda n: (int("0" + re.sub(r"\D", "", n)), n))
    taught = next((n for n in ("score", "scores") if n in table.column_names and _holds_numbers(table, n)), None)
    if len(positives) != 1 or not negatives or taught is None:
        return None
    numbers = _whole(table.column(taught)).cast(pa.large_list(pa.float64()))
    many = len(negatives)
    if not pc.all(pc.equal(pc.list_value_length(numbers), 1 + many)).as_py() or numbers.null_count:
        return None
    scores = pc.list_flatten(numbers).to_numpy(zero_copy_only=False).reshape(len(table), 1 + many)
    lists = {
        "pos": _stacked([plain(table.column(positives[0]))]),
        "neg": _stacked([plain(table.column(name)) for name in negatives]),
        "pos_scores": pa.LargeListArray.from_arrays(_offsets(np.ones(len(table))), pa.array(scores[:, 0])),
        "neg_scores": pa.LargeListArray.from_arrays(
            _offsets(np.full(len(table), many)), pa.array(scores[:, 1:].ravel())
        ),
    }
    table = table.drop_columns([*positives, *negatives, taught])
    for name, column in lists.items():
        table = table.append_column(name, column)
    return table


def _stacked(columns: list[pa.ChunkedArray]) -> pa.Array:
    """One list a row of what stands in some columns, missing and empty cells left out."""
    rows = len(columns[0])
    cells = pa.concat_arrays([chunk.cast(pa.large_string()) for column in columns for chunk in column.chunks])
    row_major = np.arange(rows * len(columns)).reshape(len(columns), rows).T.ravel()
    cells = cells.take(pa.array(row_major))
    filled = pc.fill_null(pc.greater(pc.binary_length(pc.utf8_trim_whitespace(cells)), 0), False)
    kept = filled.to_numpy(zero_copy_only=False)
    counts = kept.reshape(rows, len(columns)).sum(axis=1)
    return pa.LargeListArray.from_arrays(_offsets(counts), cells.filter(filled))


def _judged(table: pa.Table) -> pa.Table | None:
    lists = {name.lower(): name for name in table.column_names if is_list(table.schema.field(name).type)}
    documents = next((lists[name] for name in DOCUMENTS if name in lists), None)
    grades = next((lists[name] for name in GRADES if name in lists), None)
    if documents is None or grades is None or "pos" in lists:
        return None
    texts = _whole(table.column(documents))
    numbers = _whole(table.column(grades))
    kind = numbers.type.value_type
    same = pc.all(pc.equal(pc.list_value_length(texts), pc.list_value_length(numbers))).as_py()
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if not (is_text(texts.type.value_type) and numeric and same and not texts.null_count + numbers.null_count):
        return None
    flat, grade = pc.list_flatten(texts), pc.list_flatten(numbers)
    grade = (grade.cast(pa.int8()) if pa.types.is_boolean(kind) else grade).cast(pa.float64())
    parents = pc.list_parent_indices(texts).to_numpy()
    relevant = pc.fill_null(pc.greater(grade, 0), False)
    table = table.drop_columns([documents, grades])
    for role, mask in (("pos", relevant), ("neg", pc.invert(relevant))):
        counts = np.bincount(parents[mask.to_numpy(zero_copy_only=False)], minlength=len(texts))
        table = table.append_column(role, pa.LargeListArray.from_arrays(_offsets(counts), flat.filter(mask)))
        kept = pa.LargeListArray.from_arrays(_offsets(counts), grade.filter(mask))
        table = table.append_column(f"{role}_labels", kept)
    return table


def _passages(table: pa.Table) -> pa.Table | None:
    if not _holds_passages(table, PASSAGES["pos"]):
        return None
    for role, name in PASSAGES.items():
        if _holds_passages(table, name):
            lists = _whole(table.column(name))
            flat = pc.list_flatten(lists)
            texts = pc.struct_field(flat, "text").cast(pa.large_string())
            if flat.type.get_field_index("title") >= 0:
                titles = pc.fill_null(pc.struct_field(flat, "title").cast(pa.large_string()), "")
                blank = pa.scalar(" ", pa.large_string())
                texts = pc.utf8_trim_whitespace(pc.binary_join_element_wise(titles, texts, blank))
            counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
            rewritten = pa.LargeListArray.from_arrays(_offsets(counts), texts)
            table = table.drop_columns([name]).append_column(role, rewritten)
    return table


def _holds_passages(table: pa.Table, name: str) -> bool:
    if name not in table.column_names or not is_list(table.schema.field(name).type):
        return False
    kind = table.schema.field(name).type.value_type
    return pa.types.is_struct(kind) and kind.get_field_index("text") >= 0 and is_text(kind.field("text").type)


def _sets(table: pa.Table) -> pa.Table | None:
    named = "set" in table.column_names and is_list(table.schema.field("set").type)
    if not named or not is_text(table.schema.field("set").type.value_type):
        return None
    lists = _whole(table.column("set")).cast(TEXTS)
    filled = pc.if_else(pc.greater(pc.list_value_length(lists), 0), lists, None)
    first = pc.list_element(pc.fill_null(filled, pa.scalar([None], TEXTS)), 0)
    flat, parents = pc.list_flatten(filled), pc.list_parent_indices(filled).to_numpy()
    later = np.concatenate([[False], parents[1:] == parents[:-1]]) if len(parents) else np.array([], bool)
    counts = np.bincount(parents[later], minlength=len(lists))
    rest = pa.LargeListArray.from_arrays(_offsets(counts), flat.filter(pa.array(later)))
    return table.drop_columns(["set"]).append_column("query", first).append_column("pos", rest)


def _holds_numbers(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return is_list(kind) and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))


def _holds_text(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _offsets(counts: np.ndarray) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
