"""Train, dev and test by a hash of names: no group straddles, and new rows do not move old ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_fraction
from accord.core.errors import DataError, InputError
from accord.core.random import unit_hash
from accord.data.arrow import compute as pc
from accord.data.signals import Signal
from accord.maths.apportion import apportion

__all__ = ["Split", "split"]


@dataclass(frozen=True)
class Split:
    """Rows of each part, as rising int64 arrays; together they are all rows, once each."""

    train: np.ndarray
    dev: np.ndarray
    test: np.ndarray


def split(
    signal: Signal,
    *,
    by: str = "id",
    stratify: str | None = None,
    dev: float = 0.05,
    test: float = 0.15,
    seed: int = 0,
) -> Split:
    """Divide rows into train, dev and test so that equal values of `by` stay together.

    Each group falls by a hash of the seed and its name: the order of the rows plays no part, the fractions hold on
    average, and rows that are added later move no older group. With `stratify` the groups of each label are ranked by
    that hash and cut at the fractions, rounded by largest remainder: exact within each label, and then a row that is
    added can move its neighbours in rank.

    Args:
        signal: the rows.
        by: column whose equal values belong together, by its canonical or source name.
        stratify: column whose values each get the same fractions.
        dev: fraction for choosing (early stopping), in [0, 1).
        test: fraction for the final scores, in [0, 1).
        seed: another seed, another division.

    Raises:
        InputError: fractions that leave nothing to train on, an unknown column, an empty train or test part, or a group
            with several values of `stratify`.
        DataError: a row without a group.

    >>> from accord.data.signals import Unlabelled
    >>> parts = split(Unlabelled.of({"text": [f"text {i}" for i in range(100)]}), dev=0.1, test=0.2)
    >>> len(parts.train) + len(parts.dev) + len(parts.test)
    100
    """
    for name, fraction in (("dev", dev), ("test", test)):
        check_fraction(name, fraction)
    if dev + test >= 1:
        raise InputError(f"`dev` + `test` must be below 1, or nothing is left to train on. Got {dev} + {test}.")
    names, groups = _encode(signal, by)
    fortune = np.array([unit_hash(seed, "split", name) for name in names])
    if stratify is None:
        part = np.where(fortune < test, 2, np.where(fortune < test + dev, 1, 0))
    else:
        part = _stratified(signal, by, stratify, groups, fortune, (dev, test))
    of_row = part[groups]
    train_rows, dev_rows, test_rows = (np.flatnonzero(of_row == p).astype(np.int64) for p in range(3))
    for what, rows, wanted in (("train", train_rows, True), ("test", test_rows, test > 0)):
        if wanted and not len(rows):
            raise InputError(
                f"The {what} part is empty: {len(signal)} rows make {len(names)} group(s) by `{by}`. "
                "Split by a column with more values, or change the fractions."
            )
    return Split(train_rows, dev_rows, test_rows)


def _encode(signal: Signal, name: str) -> tuple[list[str], np.ndarray]:
    """The values of a column as strings, and for each row which one it has."""
    column = signal.table.column(signal.resolve(name))
    row = pc.index(pc.is_null(column), True).as_py()
    if row >= 0:
        raise DataError(
            f"{signal.origin or type(signal).__name__}, row {row + 1}: `{name}` is missing, and rows are split by it."
        )
    numbers: dict[str, int] = {}
    codes = np.fromiter(
        (numbers.setdefault(str(value), len(numbers)) for value in column.to_pylist()),
        dtype=np.int64,
        count=len(column),
    )
    return list(numbers), codes


def _stratified(
    signal: Signal, by: str, stratify: str, groups: np.ndarray, fortune: np.ndarray, fractions: tuple[float, float]
) -> np.ndarray:
    labels, label_of_row = _encode(signal, stratify)
    label_of_group = np.zeros(len(fortune), dtype=np.int64)
    label_of_group[groups] = label_of_row
    straddling = np.flatnonzero(label_of_group[groups] != label_of_row)
    if len(straddling):
        raise InputError(
            f"`stratify`: row {straddling[0] + 1} shares its `{by}` with a row of another `{stratify}`. "
            "Groups must have one label each: leave out `stratify`, or split by another column."
        )
    dev, test = fractions
    part = np.zeros(len(fortune), dtype=np.int64)
    order = np.lexsort((fortune, label_of_group))
    ends = np.cumsum(np.bincount(label_of_group, minlength=len(labels)))
    for members in np.split(order, ends[:-1]):
        _, n_dev, n_test = apportion([1 - dev - test, dev, test], len(members))
        part[members[:n_test]] = 2
        part[members[n_test : n_test + n_dev]] = 1
    return part
