"""One file of rows: JSONL, CSV, TSV or Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.data.formats import read_table

__all__ = ["File"]


class File(Described):
    """One file; the ending says how to read it: .jsonl, .csv, .tsv (each also with .gz) or .parquet.

    JSONL holds one object a line. CSV is quoted as in RFC 4180 and TSV never is; both begin with a heading line and
    their values stay strings. A file without a column `id` gets one: the number of the row, from 0.

    Reference: RFC 4180 (CSV); jsonlines.org; parquet.apache.org.

    Args:
        path: the file.
        stream: leave the rows on the disk while training; for files larger than memory. The dev and test parts of its
            tasks are then sources of their own.

    >>> File("faq.jsonl.gz")
    File(path='faq.jsonl.gz')
    """

    def __init__(self, path: str | Path, *, stream: bool = False) -> None:
        self.path = str(path)
        self.stream = stream

    def load(self, progress: Progress = silent) -> pa.Table:
        """Read the file.

        Raises:
            DataError: no such file, an unknown ending, an empty file, or a line that cannot be read.
        """
        path = Path(self.path)
        size = path.stat().st_size if path.is_file() else 0
        with progress(f"read {path.name}", total=size, unit="bytes") as advance:
            table = read_table(path)
            advance(size)
        if "id" not in table.column_names and "_id" not in table.column_names:
            numbers = pa.array(np.arange(table.num_rows)).cast(pa.string())
            table = table.add_column(0, "id", numbers)
        return table
