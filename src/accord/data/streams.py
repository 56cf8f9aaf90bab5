"""Rows of a file larger than memory, behind the reading surface of a signal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.storage import read_json
from accord.data.blocks import BLOCK_ROWS, Blocks
from accord.data.signals import SIGNALS, Labelled, Signal
from accord.data.stream_files import ABOUT, ROWS, cache_folder, checked_blocks
from accord.data.windows import WindowedStream, window_blocks

__all__ = ["Stream", "stream"]

WINDOW = 64


def stream(
    path: str | Path,
    *,
    signal: type[Signal] | None = None,
    columns: Mapping[str, str | None] | None = None,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Stream:
    r"""Open a file whose rows need not fit in memory.

    The first time, one pass over the file checks every row as a signal does and writes the rows as blocks into the
    cache folder (about as large as the file); the next time they are used again, unless the file or the arguments have
    changed. Any number of streams can be open at once: each holds one window of rows.

    Args:
        path: JSONL, CSV, TSV (each also with .gz) or Parquet.
        signal: the kind of supervision; None: the columns of the first rows decide.
        columns: role to source column, such as ``{"anchor": "title"}``, where the names do not say it.
        cache: folder for the blocks; None for ``$XDG_CACHE_HOME/accord/streams`` (or below ``~/.cache``).
        progress: opens a bar for the first pass.

    Raises:
        DataError: no such file, columns that make no signal or more than one, or a row that cannot be used, with its
            line.
        StorageError: the cache folder is full or cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "faq.csv")
    ...     _ = file.write_text("question,answer\nHow do I pay?,By card.\nWhere is it?,On its way.\n")
    ...     faq = stream(file, cache=folder)
    ...     len(faq), faq.take([1]).column("answer")
    (2, ['On its way.'])
    """
    path = Path(path)
    cache = cache_folder() if cache is None else Path(cache)
    folder = checked_blocks(path, signal=signal, columns=columns or {}, cache=cache, progress=progress)
    return Stream(folder, origin=str(path))


class Stream:
    """Rows on the disk that are read a block at a time; made by :func:`stream`.

    It has a signal's reading surface: its length, `take`, `text_columns`, `names`, `fingerprint` and `describe`. What
    would need all rows at once, such as `table` or `column`, it does not have: take the rows you need.

    Args:
        folder: blocks in the cache.
        origin: the file that they were read from.
        window: blocks of rows that are shuffled together and kept in memory.
        kept: (n) places of the rows that count, in rising order; None for all.
    """

    def __init__(
        self, folder: Path | str, *, origin: str | None = None, window: int = WINDOW, kept: np.ndarray | None = None
    ) -> None:
        check_at_least("window", window, 1)
        self.kept = kept
        self.folder = Path(folder)
        self.origin = origin
        self.window = window
        self._about = read_json(self.folder / ABOUT)
        self._blocks = Blocks(self.folder / ROWS, keep=window + 8)
        kinds = {kind.__name__: kind for kind in SIGNALS}
        self.kind: type[Signal] = kinds[self._about["signal"]]

    def __len__(self) -> int:
        return self._about["rows"] if self.kept is None else len(self.kept)

    def select(self, rows: np.ndarray) -> Stream:
        """The stream with only the rows at these places, in rising order."""
        chosen = np.asarray(rows, dtype=np.int64)
        kept = chosen if self.kept is None else self.kept[chosen]
        return Stream(self.folder, origin=self.origin, window=self.window, kept=kept)

    def __repr__(self) -> str:
        return f"Stream({self.kind.__name__}, {len(self)} rows of {self.origin})"

    @property
    def names(self) -> Mapping[str, str]:
        """Role to column of the source, as of a signal."""
        return self._about["names"]

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Canonical columns that hold texts, one or a list of them a row."""
        return self.take([0]).text_columns

    @property
    def problems(self) -> tuple[str, ...]:
        """Always empty: what a signal finds by comparing all its rows is not looked for."""
        return ()

    def take(self, rows: Sequence[int] | np.ndarray) -> Signal:
        """The rows at these places, in this order, as a signal of the stream's kind.

        Raises:
            InputError: a row that the stream does not have.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) and not (wanted.min() >= 0 and wanted.max() < len(self)):
            raise InputError(f"`rows` must lie in [0, {len(self)}). Got {wanted.min()} to {wanted.max()}.")
        wanted = wanted if self.kept is None else self.kept[wanted]
        of_block, within = np.divmod(wanted, self._block_rows)
        parts = [self._blocks[number].slice(row, 1) for number, row in zip(of_block.tolist(), within.tolist())]
        table = pa.concat_tables(parts or [self._blocks[0].slice(0, 0)]).combine_chunks()  # copied: blocks can go
        return self.kind.trusted(table, self.names, self.origin)

    def batches(
        self, batch: int, *, seed: int, name: str, per_label: int = 4, window: int | None = None
    ) -> WindowedStream:
        """Batches of row numbers in an order of their own for each epoch; of labelled rows, labels stay together.

        Args:
            batch: rows a batch.
            seed: of the run.
            name: of the task.
            per_label: rows of one label that stay together.
            window: blocks of 256 rows that are shuffled together; None for the stream's own.

        Returns:
            An object with ``rows(k)``, ``batches_per_epoch`` and ``steps(epochs)``.
        """
        window = self.window if window is None else window
        blocks = window_blocks(batch, self._block_rows, window)
        if self.kept is not None:  # as many rows lie in more blocks, and begin within one
            blocks = 2 * blocks + -(-blocks * self._about["rows"] // max(1, len(self)))
        self._blocks.keep = max(self._blocks.keep, blocks + 8)
        return WindowedStream(
            len(self),
            batch,
            block_rows=self._block_rows,
            window=window,
            seed=seed,
            name=name,
            labels=self._labels if issubclass(self.kind, Labelled) else None,
            per_label=per_label,
        )

    def fingerprint(self) -> str:
        """SHA-256 over the kind of signal and all rows, in hexadecimal; not that of a signal with the same rows."""
        whole = self._about["fingerprint"]
        return whole if self.kept is None else hashlib.sha256(whole.encode() + self.kept.tobytes()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Rows and mean characters of each text column, and rows of each label."""
        shown = {key: self._about[key] for key in ("signal", "rows", "mean_characters", "labels") if key in self._about}
        if self.kept is not None:
            shown = {"signal": self._about["signal"], "rows": len(self)}
        return {**shown, "stream": True}

    def _labels(self, rows: np.ndarray) -> np.ndarray:
        labels = np.empty(len(rows), dtype=object)
        rows = rows if self.kept is None else self.kept[rows]
        of_block, within = np.divmod(rows, self._block_rows)
        for number in np.unique(of_block).tolist():
            members = np.flatnonzero(of_block == number)
            labels[members] = self._blocks[number].column("label").take(pa.array(within[members])).to_pylist()
        return labels.astype(str)

    @property
    def _block_rows(self) -> int:
        return self._about.get("block_rows", BLOCK_ROWS)
