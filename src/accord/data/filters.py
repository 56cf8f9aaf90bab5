"""Filters on rows: each says what it left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.data.arrow import compute as pc
from accord.data.signals import Labelled, label_counts

__all__ = ["Filtered", "min_per_label"]


@dataclass(frozen=True)
class Filtered:
    """What a filter kept, and the rows it dropped of each label."""

    signal: Labelled
    dropped: Mapping[str, int]


def min_per_label(signal: Labelled, least: int = 1) -> Filtered:
    """Drop labels that have fewer than `least` rows.

    Args:
        signal: rows with labels.
        least: rows that a label must have, at least 1.

    Raises:
        InputError: fewer than two labels are left, so that there is nothing to tell apart.

    >>> rows = Labelled.of({"text": ["a", "b", "c", "d", "e"], "label": ["x", "x", "y", "y", "z"]})
    >>> min_per_label(rows, 2).dropped
    {'z': 1}
    """
    check_at_least("min_per_label", least, 1)
    labels = signal.table.column("label")
    counts = label_counts(labels)
    kept = [label for label, count in counts.items() if count >= least]
    if len(kept) < 2:
        only = f"only {kept[0]!r}" if kept else "none"
        raise InputError(
            f"{signal.origin or 'The task'}: a labelled task needs at least two labels, and of {len(counts)} "
            f"{only} has {least} row(s) or more. Add rows of another label, or lower `min_per_label`."
        )
    if len(kept) == len(counts):
        return Filtered(signal, {})
    rows = np.flatnonzero(pc.is_in(labels, pa.array(kept, labels.type)).to_numpy())
    return Filtered(signal.take(rows), {label: count for label, count in counts.items() if count < least})
