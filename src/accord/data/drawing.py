"""Which stream of batches a task's rows are drawn from."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from accord.core.errors import InputError
from accord.data.batches import BatchStream
from accord.data.signals import Labelled, Signal
from accord.data.streams import Stream
from accord.data.weighted import WeightedStream, row_weights

__all__ = ["Batches", "check_drawing", "draw"]


class Batches(Protocol):
    """Batches of rows by number: what every stream of batches gives."""

    seed: int

    @property
    def batches_per_epoch(self) -> float:
        """Batches after which as many rows were seen as there are."""
        ...

    def steps(self, epochs: float) -> int:
        """The fewest batches that cover `epochs` epochs."""
        ...

    def rows(self, k: int) -> np.ndarray:
        """Rows of the k-th batch, counted from 0, as int64; the same whenever they are asked for."""
        ...


def draw(
    signal: Signal | Stream,
    batch: int,
    *,
    seed: int,
    name: str,
    weights: str | None = None,
    classes: str = "proportional",
    per_label: int = 4,
    by_label: bool = True,
) -> Batches:
    """The batches of a task.

    Args:
        signal: its rows.
        batch: rows a batch.
        seed: of the run.
        name: of the task.
        weights: column of weights; rows come in proportion to them.
        classes: of labelled rows: "proportional", or "equal" for every class equally often.
        per_label: of labelled rows: how many of one label a batch holds together.
        by_label: whether labelled rows are batched by label, as objectives on vectors need it; if not, they are drawn
            like any others, unless the classes are to be equal.

    Raises:
        InputError: weights that are missing or no numbers, weights of rows that are batched by label, equal classes of
            rows without labels, or either of a stream.

    >>> rows = Labelled.of({"text": ["a", "b", "c", "d", "e"], "label": ["x", "x", "x", "y", "y"]})
    >>> draw(rows, 4, seed=0, name="topics", per_label=2, classes="equal").rows(0).shape
    (4,)
    """
    check_drawing(signal, name=name, weights=weights, classes=classes, by_label=by_label)
    if isinstance(signal, Stream):
        return signal.batches(batch, seed=seed, name=name, per_label=per_label)
    if weights is not None:
        return WeightedStream(_weights(signal, weights, name), batch, seed=seed, name=name)
    labels = None
    if isinstance(signal, Labelled) and (by_label or classes == "equal"):
        _, labels = np.unique(np.asarray(signal.column("label")), return_inverse=True)
    return BatchStream(len(signal), batch, seed=seed, name=name, labels=labels, per_label=per_label, classes=classes)


def check_drawing(
    signal: Signal | Stream, *, name: str, weights: str | None, classes: str, by_label: bool = True
) -> None:
    """Refuse what :func:`draw` cannot do, before any batch is drawn.

    Raises:
        InputError: as of :func:`draw`.
    """
    kind = signal.kind if isinstance(signal, Stream) else type(signal)
    if weights is not None and issubclass(kind, Labelled) and (by_label or classes == "equal"):
        raise InputError(
            f"`weights` of the task `{name}`: batches of labelled rows are made by label. "
            "Use `classes: equal`, or leave `weights` out."
        )
    if classes == "equal" and not issubclass(kind, Labelled):
        raise InputError(f"`classes` of the task `{name}`: {kind.__name__} rows have no classes. Leave it out.")
    if isinstance(signal, Stream) and (weights is not None or classes != "proportional"):
        raise InputError(
            f"The task `{name}` streams its rows, which are then drawn alike. Leave out `weights` and `classes`, or "
            "read the file whole."
        )
    if weights is not None and isinstance(signal, Signal):
        _weights(signal, weights, name)


def _weights(signal: Signal, column: str, name: str) -> np.ndarray:
    """A column of weights; a bad one is named by its row's id, since rows move when they are split."""
    try:
        values = signal.column(column)
    except InputError as error:
        raise InputError(f"`weights`: {error}") from error
    what, ids = signal.origin or f"Task `{name}`", signal.table.column("id")
    return row_weights(values, column, lambda row: f"{what}, id {ids[row].as_py()!r}")
