"""What each model was given: tokens and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accord.core.records import StepRecord
from accord.reporting import formats
from accord.reporting.plots.bars import bars
from accord.reporting.plots.canvas import Panel
from accord.reporting.plots.palette import marks

__all__ = ["sizes"]


def sizes(models: Sequence[Mapping[str, Any]], steps: Sequence[StepRecord] = ()) -> list[Panel]:
    """Tokens by model and examples by model; models that were not trained are left out.

    Args:
        models: of `name` and `tokens`, in order.
        steps: the log, for the examples.
    """
    tokens = [(str(m["name"]), float(m["tokens"])) for m in models if m.get("tokens")]
    examples = [
        (name, float(total))
        for name in (str(m["name"]) for m in models)
        if (total := sum(step.examples for step in steps if step.run == name))
    ]
    looks = marks(str(m["name"]) for m in models)
    return [
        bars(rows, title=title, show=formats.size, colours=[looks[name].colour for name, _ in rows])
        for title, rows in (("Tokens by model", tokens), ("Examples by model", examples))
        if rows
    ]
