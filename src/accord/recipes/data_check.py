"""What a file is, what is wrong with it, and how its texts fit a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import CheckFailed
from accord.core.progress import Progress, silent
from accord.data.detect import signal_named
from accord.data.inspection import inspect
from accord.data.read import read
from accord.data.signals import Signal

__all__ = ["check_data", "raise_for_problems"]


def check_data(
    path: str | Path,
    *,
    signal: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    model: str | None = None,
    listed: int = 20,
    long: int = 2000,
    threshold: float = 0.85,
    near: bool = True,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Look at a file: its signal, its problems, its texts, labels and scores, and what may mislead.

    Args:
        path: a file, or ``hub:owner/name[/config][@split]``.
        signal: name of the signal; None: the columns decide.
        columns: role to source column.
        model: count tokens as this model does, and how many texts it would cut.
        listed: problems to list; all are counted.
        long: characters from which on a text is over-long.
        threshold: similarity from which on rows are near-duplicates.
        near: whether to look for near-duplicates.
        progress: opens bars.

    Returns:
        Plain values: what :class:`accord.data.inspection.Inspection` has, ``passed`` and, with a model, ``tokens``.

    Raises:
        InputError: a file that cannot be read at all, an unknown signal, or a model that cannot be loaded.
    """
    kind = None if signal is None else signal_named(signal)
    found = inspect(
        path,
        signal=kind,
        columns=columns,
        listed=listed,
        long=long,
        threshold=threshold,
        near=near,
        progress=progress,
    )
    shown = {**asdict(found), "passed": found.passed}
    if model is not None and found.usable and found.passed:
        shown["tokens"] = _tokens(read(path, signal=kind, columns=columns), model)
    return shown


def raise_for_problems(found: Mapping[str, Any]) -> None:
    """End with the exit code of a check that said no, if anything is wrong.

    Raises:
        CheckFailed: it is.
    """
    if found["problem_count"]:
        count = found["problem_count"]
        raise CheckFailed(f"{found['file']}: {count} problem{'s' if count > 1 else ''}.")


def _tokens(rows: Signal, model: str) -> dict[str, Any]:
    """Tokens a text of each text column, and how many texts are longer than the model reads."""
    from accord.encoders import load

    encoder = load(model)
    summary: dict[str, Any] = {}
    for name in rows.text_columns:
        tokens = encoder.tokenize(rows.texts(name).to_pylist(), prompt="")
        marks = np.quantile(tokens.ids.lengths, [0.5, 0.95, 1.0], method="lower").astype(int).tolist()
        summary[name] = {**dict(zip(("50%", "95%", "max"), marks)), "cut": tokens.truncated}
    return {"model": model, "max_length": encoder.max_length, "columns": summary}
