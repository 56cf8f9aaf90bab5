"""Reading one file into one Arrow table: fast where Arrow can, and a slow exact pass where a line must be named."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json
from pyarrow import parquet

from accord.core.errors import DataError
from accord.data.lines import open_text, suffix_of, with_origin

__all__ = ["FORMATS", "read_table"]

BLOCK = 1 << 24


def read_table(path: Path | str) -> pa.Table:
    """The whole file; the table remembers its origin.

    JSONL: one object a line; blank lines are skipped; a column that holds unlike nested values is kept as JSON text.
    CSV: quoted as in RFC 4180. TSV: never quoted. Both need a heading line, and every value stays a string.

    Raises:
        DataError: no such file, an unknown ending, an empty file, or a line that cannot be read, by its number.
    """
    path = Path(path)
    reader = FORMATS.get(suffix_of(path))
    if path.is_dir():
        raise DataError(f"{path} is a folder. For a retrieval folder (corpus, queries, qrels) use RetrievalFolder.")
    if not path.is_file():
        raise DataError(f"{path} does not exist.")
    if reader is None:
        raise DataError(
            f"{path}: unknown file type. Known endings: .jsonl, .csv, .tsv (each also with .gz) and .parquet."
        )
    if not path.stat().st_size:
        raise DataError(f"{path} is empty.")
    try:
        table = reader(path)
    except gzip.BadGzipFile as error:
        raise DataError(f"{path} ends in .gz and is not gzip: {error}.") from error
    except EOFError as error:
        raise DataError(f"{path} is cut off: {error}.") from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    if not table.num_rows:
        raise DataError(f"{path} is empty: it holds no rows.")
    return with_origin(table, path)


def read_jsonl(path: Path) -> pa.Table:
    """JSONL by Arrow; by the exact pass where Arrow refuses."""
    try:
        table = _arrow_json(path, None)
        guessed = {f.name: f.type for f in table.schema if _untimed(f.type) != f.type}
        if guessed:  # texts that look like dates stay texts
            table = _arrow_json(path, pa.schema([(name, _untimed(kind)) for name, kind in guessed.items()]))
        table.validate(full=True)
    except (pa.ArrowException, UnicodeDecodeError, OSError):
        return exact_jsonl(path)
    return table


def exact_jsonl(path: Path) -> pa.Table:
    """JSONL line by line.

    Raises:
        DataError: naming the first line that is not an object, or whose value is of another kind than above it.
    """
    columns: dict[str, list[Any]] = {}
    kinds: dict[str, str] = {}
    rows = 0
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            for name, value in _object(line, f"{path}, line {number}").items():
                kind = _kind(value)
                if kind and kinds.setdefault(name, kind) != kind and {kind, kinds[name]} != {"a list", "an object"}:
                    raise DataError(
                        f"{path}, line {number}: `{name}` is {kind}; it is {kinds[name]} in the lines above. "
                        "Write every row alike."
                    )
                if name not in columns:
                    columns[name] = [None] * rows
                columns[name].append(value)
            rows += 1
            for values in columns.values():
                if len(values) < rows:
                    values.append(None)
    return pa.table({name: _array(values) for name, values in columns.items()})


def read_delimited(path: Path) -> pa.Table:
    """CSV or TSV by Arrow, every column as strings; by the exact pass where Arrow refuses."""
    tabbed = suffix_of(path) == ".tsv"
    heading = _heading(path)
    try:
        with pa.input_stream(str(path), compression="gzip" if path.name.lower().endswith(".gz") else None) as stream:
            table = arrow_csv.read_csv(
                stream,
                read_options=arrow_csv.ReadOptions(block_size=BLOCK),
                parse_options=arrow_csv.ParseOptions(
                    delimiter="\t" if tabbed else ",",
                    quote_char=False if tabbed else '"',
                    newlines_in_values=not tabbed,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(heading, pa.string()), strings_can_be_null=False
                ),
            )
    except (pa.ArrowException, UnicodeDecodeError, OSError):
        return exact_delimited(path)
    return table if table.column_names == heading else exact_delimited(path)


def exact_delimited(path: Path) -> pa.Table:
    """CSV or TSV record by record.

    Raises:
        DataError: naming the first line with too few or too many fields.
    """
    heading = _heading(path)
    values: list[list[str]] = [[] for _ in heading]
    with open_text(path) as handle:
        records = _records(handle, path)
        next(records)
        for number, fields in records:
            if len(fields) != len(heading):
                raise DataError(
                    f"{path}, line {number}: {len(fields)} fields, and the heading has {len(heading)}. "
                    "Correct the line, or quote the text (CSV) or take out the tab (TSV)."
                )
            for column, field in zip(values, fields):
                column.append(field)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(heading, values)})


def read_parquet(path: Path) -> pa.Table:
    """Parquet.

    Raises:
        DataError: not a Parquet file.
    """
    try:
        return parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error


FORMATS: dict[str, Callable[[Path], pa.Table]] = {
    ".jsonl": read_jsonl,
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".parquet": read_parquet,
}


def _arrow_json(path: Path, schema: pa.Schema | None) -> pa.Table:
    compression = "gzip" if path.name.lower().endswith(".gz") else None
    with pa.input_stream(str(path), compression=compression) as stream:
        return arrow_json.read_json(
            stream,
            read_options=arrow_json.ReadOptions(block_size=BLOCK),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema),
        )


def _untimed(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_untimed(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _untimed(field.type)) for field in kind])
    return kind


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not valid JSON ({error.msg} at character {error.pos + 1}).") from error
    if not isinstance(value, dict):
        raise DataError(f'{where}: not an object. Each line must be an object such as {{"text": "..."}}.')
    if "\\u" in line:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise DataError(f"{where}: holds half of a surrogate pair, which is no character.") from error
    return value


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true/false"
    return {str: "a text", list: "a list", dict: "an object"}.get(type(value), "a number")


def _array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        if any(isinstance(value, (list, dict)) for value in values):
            return pa.array([None if v is None else json.dumps(v, ensure_ascii=False) for v in values])
        return pa.array([None if v is None else float(v) for v in values])


def _records(handle: IO[str], path: Path) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; blank lines are left out."""
    if suffix_of(path) == ".tsv":
        for number, line in enumerate(handle, start=1):
            if line.strip("\r\n"):
                yield number, line.rstrip("\r\n").split("\t")
        return
    reader = csv.reader(handle, strict=True)
    begin = 1
    try:
        for fields in reader:
            if fields:
                yield begin, fields
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}, line {begin}: {error}.") from error


def _heading(path: Path) -> list[str]:
    with open_text(path) as handle:
        _, heading = next(_records(handle, path), (1, []))
    if not heading:
        raise DataError(f"{path}, line 1: the heading line is missing.")
    twice = [name for name in heading if heading.count(name) > 1]
    if twice or "" in heading:
        fault = f"the column `{twice[0]}` is named twice" if twice else "a column has no name"
        raise DataError(f"{path}, line 1: {fault}. The first line must name each column once.")
    return heading


def _not_utf8(path: Path) -> DataError:
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return DataError(
                    f"{path}, line {number}: not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1}). "
                    "Convert the file, for example with iconv -f latin1 -t utf-8."
                )
    return DataError(f"{path} is not UTF-8.")
