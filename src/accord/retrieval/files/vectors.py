"""What may become a row of a store, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from accord.core.errors import InputError

__all__ = ["SIMILARITIES", "check_half", "check_vectors", "checked_unit_rows", "stored_rows"]

SIMILARITIES = ("cosine", "dot")
_UNIT = 1e-6
_LONGEST = 1e18
_CHUNK = 8192
_LARGEST_HALF = float(np.finfo(np.float16).max)


def check_vectors(name: str, vectors: Any, shape: tuple[int | None, int], similarity: str) -> np.ndarray:
    """Refuse what is no matrix of usable rows.

    Args:
        name: of the argument, for messages.
        vectors: anything that numpy reads as an array.
        shape: rows (None for any number) and dim.
        similarity: under "cosine" a row of zeros has no direction and is refused.

    Returns:
        The same numbers as an array, not copied where they already are one.

    Raises:
        InputError: wrong type or shape, NaN or infinity, numbers too large for float32, a zero row under cosine.
    """
    matrix = _as_matrix(name, vectors, shape)
    for _ in _checked(name, matrix, similarity):
        pass
    return matrix


def checked_unit_rows(name: str, vectors: Any, shape: tuple[int | None, int]) -> np.ndarray:
    """The same checks as under cosine, and the rows as float32 of length 1.

    Args:
        name: of the argument, for messages.
        vectors: anything that numpy reads as an array.
        shape: rows (None for any number) and dim.

    Raises:
        InputError: as :func:`check_vectors` does.

    >>> checked_unit_rows("query", [[3, 4]], (None, 2)).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    matrix = _as_matrix(name, vectors, shape)
    parts = [(chunk / norms[:, None]).astype(np.float32) for chunk, norms in _checked(name, matrix, "cosine")]
    return parts[0] if len(parts) == 1 else np.concatenate([*parts, np.empty((0, shape[1]), dtype=np.float32)])


def _as_matrix(name: str, vectors: Any, shape: tuple[int | None, int]) -> np.ndarray:
    try:
        matrix = np.asarray(vectors)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"`{name}` must be a matrix of numbers ({error}).") from error
    rows, dim = shape
    if matrix.dtype.kind not in "fiu":
        raise InputError(f"`{name}` must hold numbers. Got {matrix.dtype} instead.")
    if matrix.ndim != 2 or matrix.shape[1] != dim or rows not in {None, matrix.shape[0]}:
        wanted = f"({'rows' if rows is None else rows}, {dim})"
        raise InputError(f"`{name}` must have the shape {wanted}. Got {matrix.shape} instead.")
    return matrix


def _checked(name: str, matrix: np.ndarray, similarity: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Float32 rows that are usable and their lengths, a few thousand at a time."""
    cosine = similarity == "cosine"
    for first, chunk, norms in _float_chunks(matrix):
        if not (norms.max() <= _LONGEST and not (cosine and norms.min() == 0)):  # true where a norm is NaN
            for bad, rule in (
                (~np.isfinite(chunk).all(axis=1), "must be finite (NaN or infinity found)"),
                (norms > _LONGEST, f"must be no longer than {_LONGEST:g}"),
                ((norms == 0) & cosine, "must not be all zeros under cosine similarity"),
            ):
                if bad.any():
                    raise InputError(f"{name}[{first + int(bad.argmax())}] {rule}.")
        yield chunk, norms


def check_half(name: str, matrix: np.ndarray) -> None:
    """Refuse numbers that float16 cannot hold.

    Raises:
        InputError: naming the first such row.
    """
    for first, chunk, _ in _float_chunks(matrix):
        bad = np.abs(chunk).max(axis=1, initial=0.0) > _LARGEST_HALF
        if bad.any():
            raise InputError(
                f"{name}[{first + int(bad.argmax())}] must be at most {_LARGEST_HALF:,.0f} in absolute value to be "
                'kept as float16. Create the store with rescore="float32".'
            )


def stored_rows(matrix: np.ndarray, similarity: str) -> Iterator[np.ndarray]:
    """Float32 rows as they are kept, a few thousand at a time.

    Under cosine a row whose length differs from 1 by more than one part in a million is brought to length 1; a unit row
    is kept bit for bit.
    """
    for _, chunk, norms in _float_chunks(matrix):
        off = np.flatnonzero(np.abs(norms - 1) > _UNIT) if similarity == "cosine" else np.empty(0, dtype=np.int64)
        if len(off):
            chunk = chunk.copy()
            chunk[off] = chunk[off].astype(np.float64) / norms[off, None]
        yield chunk


def _float_chunks(matrix: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    for first in range(0, len(matrix), _CHUNK):
        with np.errstate(over="ignore", invalid="ignore"):
            chunk = matrix[first : first + _CHUNK].astype(np.float32, copy=False)
            norms = np.sqrt(np.einsum("ij,ij->i", chunk, chunk, dtype=np.float64))
        yield first, chunk, norms
