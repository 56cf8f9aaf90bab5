"""Reading one file into one Arrow table: fast where Arrow can, and a slow exact pass where a line must be named."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json
from pyarrow import parquet

from accord.core.errors import DataError
from accord.data.lines import open_text, suffix_of, with_origin

__all__ = [
    "FORMATS",
    "UNREADABLE",
    "check_file",
    "csv_options",
    "exact_records",
    "heading_of",
    "kind_of",
    "make_array",
    "parse_jsonl",
    "parse_object",
    "read_table",
    "records_of",
    "unreadable",
    "wrong_fields",
]

BLOCK = 1 << 24
UNREADABLE = (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError)
"""What a broken file raises while it is read."""


def read_table(path: Path | str) -> pa.Table:
    """The whole file; the table remembers its origin.

    JSONL: one object a line; blank lines are skipped; a column that holds unlike nested values is kept as JSON text.
    CSV: quoted as in RFC 4180. TSV: never quoted. Both need a heading line, and every value stays a string.

    Raises:
        DataError: no such file, an unknown ending, an empty file, or a line that cannot be read, by its number.
    """
    path = Path(path)
    reader = FORMATS[check_file(path)]
    try:
        table = reader(path)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if not table.num_rows:
        raise DataError(f"{path} is empty: it holds no rows.")
    return with_origin(table, path)


def check_file(path: Path) -> str:
    """The ending of a file that can be read.

    Raises:
        DataError: no such file, an unknown ending, or an empty file.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder. For a retrieval folder (corpus, queries, qrels) use RetrievalFolder.")
    if not path.is_file():
        raise DataError(f"{path} does not exist.")
    if suffix_of(path) not in FORMATS:
        raise DataError(
            f"{path}: unknown file type. Known endings: .jsonl, .csv, .tsv (each also with .gz) and .parquet."
        )
    if not path.stat().st_size:
        raise DataError(f"{path} is empty.")
    return suffix_of(path)


def unreadable(path: Path, error: Exception) -> DataError:
    """What to raise in the place of an error of reading: one that names the file, and the line where it is known."""
    if isinstance(error, gzip.BadGzipFile):
        return DataError(f"{path} ends in .gz and is not gzip: {error}.")
    if isinstance(error, EOFError):
        return DataError(f"{path} is cut off: {error}.")
    return _not_utf8(path) if isinstance(error, UnicodeDecodeError) else DataError(f"{path} is damaged: {error}.")


def read_jsonl(path: Path) -> pa.Table:
    """JSONL by Arrow; by the exact pass where Arrow refuses."""
    compression = "gzip" if path.name.lower().endswith(".gz") else None
    try:
        return _arrow_jsonl(lambda: pa.input_stream(str(path), compression=compression), BLOCK)
    except (pa.ArrowException, UnicodeDecodeError, OSError):
        return exact_jsonl(path)


def parse_jsonl(data: bytes, path: Path, line: int) -> pa.Table:
    """Whole lines of a JSONL file: Arrow's reading, or the exact pass where Arrow refuses.

    Args:
        data: the lines.
        path: their file, for messages.
        line: number of the first of them, from 1.

    Raises:
        DataError: naming the first line that cannot be read.
    """
    try:
        return _arrow_jsonl(lambda: pa.BufferReader(data), len(data) + 1)
    except (pa.ArrowException, UnicodeDecodeError, OSError):
        lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
        return _exact_rows(enumerate(lines, start=line), path)


def exact_jsonl(path: Path) -> pa.Table:
    """JSONL line by line.

    Raises:
        DataError: naming the first line that is not an object, or whose value is of another kind than above it.
    """
    with open_text(path) as handle:
        return _exact_rows(enumerate(handle, start=1), path)


def _exact_rows(lines: Iterable[tuple[int, str]], path: Path) -> pa.Table:
    columns: dict[str, list[Any]] = {}
    kinds: dict[str, str] = {}
    rows = 0
    for number, line in lines:
        if not line.strip():
            continue
        for name, value in parse_object(line, f"{path}, line {number}").items():
            kind = kind_of(value)
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
    return pa.table({name: make_array(values) for name, values in columns.items()})


def read_delimited(path: Path) -> pa.Table:
    """CSV or TSV by Arrow, every column as strings; by the exact pass where Arrow refuses."""
    heading = heading_of(path)
    try:
        with pa.input_stream(str(path), compression="gzip" if path.name.lower().endswith(".gz") else None) as stream:
            table = arrow_csv.read_csv(stream, **csv_options(path, heading, BLOCK))
    except (pa.ArrowException, UnicodeDecodeError, OSError):
        return exact_delimited(path)
    return table if table.column_names == heading else exact_delimited(path)


def csv_options(path: Path, heading: list[str], block: int) -> dict[str, Any]:
    """How Arrow reads a CSV or TSV file: every value a string."""
    tabbed = suffix_of(path) == ".tsv"
    return {
        "read_options": arrow_csv.ReadOptions(block_size=block),
        "parse_options": arrow_csv.ParseOptions(
            delimiter="\t" if tabbed else ",", quote_char=False if tabbed else '"', newlines_in_values=not tabbed
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(heading, pa.string()), strings_can_be_null=False
        ),
    }


def exact_delimited(path: Path) -> pa.Table:
    """CSV or TSV record by record.

    Raises:
        DataError: naming the first line with too few or too many fields.
    """
    return next(exact_records(path))


def exact_records(path: Path, *, skip: int = 0, rows: int | None = None) -> Iterator[pa.Table]:
    """CSV or TSV record by record, in tables of so many rows; all rows in one table without a number.

    Raises:
        DataError: naming the first line with too few or too many fields.
    """
    heading = heading_of(path)
    with open_text(path) as handle:
        records = islice(records_of(handle, path), 1 + skip, None)
        while True:
            values: list[list[str]] = [[] for _ in heading]
            for number, fields in islice(records, rows):
                if len(fields) != len(heading):
                    raise DataError(f"{path}, line {number}: {wrong_fields(fields, heading)}")
                for column, field in zip(values, fields):
                    column.append(field)
            if rows is not None and not values[0]:
                return
            yield pa.table({name: pa.array(column, pa.string()) for name, column in zip(heading, values)})
            if rows is None:
                return


def wrong_fields(fields: list[str], heading: list[str]) -> str:
    """What to say of a record with too few or too many fields."""
    return (
        f"{len(fields)} fields, and the heading has {len(heading)}. "
        "Correct the line, or quote the text (CSV) or take out the tab (TSV)."
    )


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


def _arrow_jsonl(opened: Callable[[], Any], block: int) -> pa.Table:
    def read(schema: pa.Schema | None) -> pa.Table:
        with opened() as stream:
            return arrow_json.read_json(
                stream,
                read_options=arrow_json.ReadOptions(block_size=block),
                parse_options=arrow_json.ParseOptions(explicit_schema=schema),
            )

    table = read(None)
    guessed = {f.name: f.type for f in table.schema if _untimed(f.type) != f.type}
    if guessed:  # texts that look like dates stay texts
        table = read(pa.schema([(name, _untimed(kind)) for name, kind in guessed.items()]))
    table.validate(full=True)
    return table


def _untimed(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_untimed(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _untimed(field.type)) for field in kind])
    return kind


def parse_object(line: str, where: str) -> dict[str, Any]:
    """One line as an object.

    Raises:
        DataError: not JSON, not an object, or not text.
    """
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


def kind_of(value: Any) -> str:
    """The kind of a JSON value in words; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true/false"
    return {str: "a text", list: "a list", dict: "an object"}.get(type(value), "a number")


def make_array(values: list[Any]) -> pa.Array:
    """Values as a column; what Arrow cannot hold together is kept as JSON text."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        if any(isinstance(value, (list, dict)) for value in values):
            return pa.array([None if v is None else json.dumps(v, ensure_ascii=False) for v in values])
        return pa.array([None if v is None else float(v) for v in values])


def records_of(handle: IO[str], path: Path) -> Iterator[tuple[int, list[str]]]:
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
        cure = " A quotation mark that opens there is never closed." if "end of data" in str(error) else ""
        raise DataError(f"{path}, line {begin}: {error}.{cure}") from error


def heading_of(path: Path, *, errors: str = "strict") -> list[str]:
    """Names of the columns of a CSV or TSV file.

    Raises:
        DataError: there is no heading line, or it names a column twice or not at all.
    """
    with open_text(path, errors=errors) as handle:
        _, heading = next(records_of(handle, path), (1, []))
    if not heading:
        raise DataError(f"{path}, line 1: the heading line is missing.")
    if any("\ufffd" in name for name in heading):
        raise _not_utf8(path)
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
                code = "utf-16" if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin1"
                return DataError(
                    f"{path}, line {number}: not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1}). "
                    f"Convert the file, for example with iconv -f {code} -t utf-8."
                )
    return DataError(f"{path} is not UTF-8.")
