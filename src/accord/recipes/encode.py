"""Encode a column of a file into a matrix or a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from accord.compression import codecs
from accord.core.checks import check_choice, did_you_mean
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.storage import atomic_file
from accord.data.sources import File
from accord.encoders import load

__all__ = ["column_texts", "encode_file"]


def encode_file(
    model: str,
    source: Path | str,
    out: Path | str,
    *,
    column: str = "text",
    prompt: str | None = None,
    precision: str = "float32",
    codec: Path | str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Encode every text of a column.

    Args:
        model: what :func:`accord.load` takes.
        source: JSONL(.gz), CSV, TSV, Parquet, or a .txt file with a text a line.
        out: `.npy` for the (rows, dim) float32 matrix, `.parquet` for the rows with a column `vector`.
        column: of the texts.
        prompt: name of one of the model's prompts.
        precision: "float32", "bfloat16" or "auto".
        codec: folder of a codec that was made for the model; `.npy` then holds its codes, (rows, bytes) of uint8.
        progress: opens the bar.

    Returns:
        What was written: rows, dim, path, and with a codec the bytes of a code. Texts that were cut are counted in the
        log.

    Raises:
        InputError: an unknown suffix or column, an empty file, or a codec that was made for another model.
    """
    out = Path(out)
    check_choice("--out suffix", out.suffix, [".npy", ".parquet"] if codec is None else [".npy"])
    table, texts = _column(Path(source), column)
    encoder = load(model)
    if codec is not None:
        fitted = codecs.load(codec)
        codecs.check_made_for(fitted, encoder.fingerprint(), model=str(model))
        vectors = encoder.encode(texts, prompt_name=prompt, precision=precision, progress=progress)
        codecs.write_codes(out, fitted, fitted.encode(vectors))
        return {"rows": len(texts), "dim": fitted.dim, "code_bytes": fitted.code_bytes, "path": str(out)}
    if out.suffix == ".npy":
        vectors = encoder.encode(texts, prompt_name=prompt, precision=precision, out=out, progress=progress)
    else:
        vectors = encoder.encode(texts, prompt_name=prompt, precision=precision, progress=progress)
        cells = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        with atomic_file(out) as handle:
            pq.write_table(table.append_column("vector", cells), handle)
    return {"rows": len(texts), "dim": int(vectors.shape[1]), "path": str(out)}


def column_texts(source: Path | str, column: str = "text") -> list[str]:
    """The texts of a column of a file.

    Args:
        source: JSONL(.gz), CSV, TSV, Parquet, or a .txt file with a text a line.
        column: its name; "text" for .txt.

    Raises:
        InputError: an unknown column, an empty file, or a row that is no text.
    """
    return _column(Path(source), column)[1]


def _column(source: Path, column: str) -> tuple[pa.Table, list[str]]:
    table = _table(source)
    if column not in table.column_names:
        raise InputError(
            f"{source} has no column `{column}`.{did_you_mean(column, table.column_names)} "
            f"It has: {', '.join(table.column_names)}. Choose one by --column."
        )
    texts = table.column(column).to_pylist()
    bad = next((i for i, text in enumerate(texts) if not isinstance(text, str)), None)
    if bad is not None:
        raise InputError(f"{source}, row {bad + 1}: `{column}` must be text. Got {texts[bad]!r} instead.")
    return table, texts


def _table(source: Path) -> pa.Table:
    if source.suffix != ".txt":
        return File(str(source)).load()
    if not source.is_file():
        raise InputError(f"{source} does not exist.")
    lines = source.read_text(encoding="utf-8").splitlines()
    if not lines:
        raise InputError(f"{source} is empty.")
    return pa.table({"text": lines})
