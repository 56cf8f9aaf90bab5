"""Measurements with the names of what was measured, and the file that keeps them example by example."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from accord.core.errors import DataError, InputError
from accord.core.storage import atomic_file
from accord.evaluation.measured import Measured, mean
from accord.evaluation.named import metric as metric_of

__all__ = ["Observed", "check_distinct", "from_rows", "read_examples", "to_rows", "write_examples"]

SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("seed", pa.int64()),
        ("metric", pa.string()),
        ("example_id", pa.string()),
        ("value", pa.float64()),
    ]
)
GROUP = pa.field("group", pa.string())
PRIMARY = b"accord.primary"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One measurement of one model on one task under one training seed."""

    model: str
    task: str
    seed: int
    measured: Measured


def check_distinct(observed: Iterable[Observed]) -> None:
    """Refuse two measurements under one name, which nobody could tell apart later.

    Raises:
        InputError: naming model, task, metric and seed.
    """
    seen = set()
    for one in observed:
        name = (one.model, one.task, one.measured.metric, one.seed)
        if name in seen:
            raise InputError(
                f"`{one.measured.metric}` of `{one.model}` on `{one.task}` (seed {one.seed}) was measured twice. "
                "Give a task at most one evaluation for each metric."
            )
        seen.add(name)


def to_rows(observed: Sequence[Observed]) -> pa.Table:
    """The measurements of one task as rows: model, seed, metric, example_id, value.

    A per-example metric has a row an example. A set metric has a row an example and column, under ``metric:column``,
    since its score cannot be had from one value an example. The names of the primary metrics stand in the metadata.
    Where examples have groups, a column `group` names them.

    Raises:
        InputError: measurements of several tasks, or two under one name.
    """
    check_distinct(observed)
    tasks = {one.task for one in observed}
    if len(tasks) > 1:
        raise InputError(f"A file of examples holds one task. Got {', '.join(sorted(tasks))}.")
    grouped = any(one.measured.groups is not None for one in observed)
    schema = SCHEMA.append(GROUP) if grouped else SCHEMA
    parts = []
    for one in observed:
        measured, n = one.measured, len(one.measured)
        for name, values in measured.columns.items():
            label = measured.metric if measured.is_mean else f"{measured.metric}:{name}"
            groups = measured.groups or [None] * n
            columns = ([one.model] * n, [one.seed] * n, [label] * n, measured.ids, values, groups)
            parts.append(pa.table(dict(zip(schema.names, columns)), schema=schema))
    primary = sorted({one.measured.metric for one in observed if one.measured.primary})
    table = pa.concat_tables(parts) if parts else schema.empty_table()
    return table.replace_schema_metadata({PRIMARY: json.dumps(primary).encode()})


def from_rows(table: pa.Table, task: str) -> list[Observed]:
    """The measurements that :func:`to_rows` laid out.

    Args:
        table: rows of one task.
        task: its name.

    Returns:
        One measurement a model, seed and metric, in order of appearance.

    Raises:
        DataError: a column is missing, or a column of a set metric covers other examples.
        InputError: a set metric that accord does not know; per-example values need no metric to be read.
    """
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise DataError(f"Rows of examples need the columns {', '.join(SCHEMA.names)}. Missing: {', '.join(missing)}.")
    primary = set(json.loads((table.schema.metadata or {}).get(PRIMARY, b"[]")))
    held: dict[tuple[str, int, str], dict[str, _Run]] = {}
    for run in _runs(table):
        name, _, column = run.label.partition(":")
        held.setdefault((run.model, run.seed, name), {})[column or "value"] = run
    found = []
    for (model, seed, name), columns in held.items():
        first = next(iter(columns.values()))
        if any(run.ids != first.ids for run in columns.values()):
            raise DataError(f"The columns of `{name}` of `{model}` cover different examples.")
        measured = Measured(
            metric=name,
            primary=name in primary,
            ids=first.ids,
            columns={column: run.values for column, run in columns.items()},
            reduce=mean if set(columns) == {"value"} else metric_of(name),
            groups=first.groups,
        )
        found.append(Observed(model=model, task=task, seed=seed, measured=measured))
    return found


@dataclass(frozen=True)
class _Run:
    """The rows of one column of one measurement."""

    model: str
    seed: int
    label: str
    ids: tuple[str, ...]
    values: np.ndarray
    groups: tuple[str, ...] | None


def _runs(table: pa.Table) -> list[_Run]:
    """The columns of each measurement, in order of appearance."""
    if not len(table):
        return []
    names = table.column(GROUP.name).to_pylist() if GROUP.name in table.column_names else None
    table = table.select(SCHEMA.names).cast(SCHEMA)
    keys = list(zip(*(table.column(name).to_pylist() for name in SCHEMA.names[:3])))
    group = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    number = np.fromiter((group[key] for key in keys), dtype=np.int64, count=len(keys))
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    ids, values = np.array(table.column("example_id").to_pylist(), dtype=object), table.column("value").to_numpy()
    runs = []
    for key, part in zip(group, parts):
        inside = None if names is None else tuple(names[i] for i in part.tolist())
        groups = None if inside is None or None in inside else inside
        model, seed, label = key
        runs.append(_Run(model, seed, label, tuple(ids[part].tolist()), values[part], groups))
    return runs


def write_examples(path: Path | str, observed: Sequence[Observed]) -> None:
    """Write the measurements of one task as Parquet, whole or not at all."""
    with atomic_file(path) as handle:
        pq.write_table(to_rows(observed), handle, compression="zstd")


def read_examples(path: Path | str, task: str | None = None) -> list[Observed]:
    """Read what :func:`write_examples` wrote.

    Args:
        path: ``examples/TASK.parquet``.
        task: its name; the file's name when None.

    Raises:
        DataError: no such file, or not such rows.
    """
    path = Path(path)
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
    return from_rows(table, path.stem if task is None else task)
