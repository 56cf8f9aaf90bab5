"""What goes into the columns of a store for some documents: checked, brought to its type, and encoded where need be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.retrieval.files.columns import COUNTS, Column, column_codec
from accord.retrieval.files.manifest import Manifest
from accord.retrieval.files.vectors import check_half, check_vectors, stored_rows

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["Cell", "Cells"]

Cell = Iterable[np.ndarray]
"""Rows of one column, some at a time."""


class Cells:
    """Turns vectors into the rows of each column of a store.

    Args:
        folder: the store.
        manifest: says its columns.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._codec: FittedCodec | None = None
        self._kept = [column for column in manifest.columns if column.use == "keep"]

    def of(self, vectors: Any, columns: Mapping[str, Any] | None, rows: int) -> list[Cell]:
        """One cell a column, in their order, from vectors that were checked.

        Args:
            vectors: (rows, dim).
            columns: what each further column of the store gets, by its name: (rows, dim), or, where it is ragged, a
                matrix for each row.
            rows: how many documents there are.

        Raises:
            InputError: what does not fit, a column that is missing, or one that the store has not.
        """
        manifest = self.manifest
        matrix = check_vectors("vectors", vectors, (rows, manifest.dim), manifest.similarity)
        further = self._further(columns or {}, rows)
        return [further.get(column.field) or self._cell(column, matrix) for column in manifest.columns]

    def _cell(self, column: Column, matrix: np.ndarray) -> Cell:
        similarity = self.manifest.similarity
        if column.dtype == "<f2" and similarity != "cosine":
            check_half("vectors", matrix)
        if column.codec is None:
            return stored_rows(matrix, similarity)
        codec = self._codec = self._codec or column_codec(self.folder, column)
        return [codec.encode(some) for some in stored_rows(matrix, similarity)]

    def _further(self, given: Mapping[str, Any], rows: int) -> dict[str, Cell]:
        names = [column.field for column in self._kept]
        for name in given:
            if name not in names:
                there = f"It has: {', '.join(names)}." if names else "It has none; they are named when it is made."
                raise InputError(f"The store has no further column {name!r}.{did_you_mean(name, names)} {there}")
        cells: dict[str, Cell] = {}
        for column in self._kept:
            if column.field not in given:
                raise InputError(
                    f"The store keeps the column {column.field!r} of each document. Pass columns={{{column.field!r}: "
                    "...}."
                )
            where = f"columns[{column.field!r}]"
            if column.layout == "dense":
                cells[column.field] = [_checked(where, given[column.field], (rows, column.dim), column)]
                continue
            parts = _parts(where, given[column.field], rows, column)
            cells[column.field] = parts
            cells[column.field + COUNTS] = [np.array([len(part) for part in parts], dtype="<u4")[:, None]]
        return cells


def _parts(where: str, given: Any, rows: int, column: Column) -> list[np.ndarray]:
    """A matrix for each document."""
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, (Sequence, np.ndarray)):
        raise InputError(f"{where} must be a list with a matrix for each document. Got {type(given).__name__}.")
    if len(given) != rows:
        raise InputError(f"{where} must have a matrix for each of {rows} documents. Got {len(given)}.")
    return [_checked(f"{where}[{n}]", part, (None, column.dim), column) for n, part in enumerate(given)]


def _checked(where: str, given: Any, shape: tuple[int | None, int], column: Column) -> np.ndarray:
    matrix = check_vectors(where, given, shape, "dot")
    if column.dtype == "<f2":
        check_half(where, matrix)
    return matrix
