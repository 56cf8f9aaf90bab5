"""What each way to an encoder cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accord.recipes.schema import STRATEGIES

__all__ = ["prices"]


def prices(
    models: Sequence[Mapping[str, Any]], *, seeds: int, record: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Tokens, steps and seconds of each way to an encoder, for one seed, and how many times the joint run's time it is.

    Args:
        models: rows of a run's details: `name`, `tokens`, `steps`, `seconds`. The row of a merged model counts the
            training of the models that it is made of.
        seeds: how many the run has.
        record: of the choice, where one was made: what was tried, and how long measuring took.

    Returns:
        Rows for `single` (all tasks together), `joint`, `merged` and `balanced`, as far as they were made, and for
        `auto` what choosing cost in all; `times` is None where there is no joint run.

    >>> rows = [{"name": n, "tokens": 10, "steps": 2, "seconds": s} for n, s in (("joint", 2.0), ("balanced", 3.0))]
    >>> [(row["name"], row["times"]) for row in prices(rows, seeds=1)]
    [('joint', 1.0), ('balanced', 1.5)]
    """
    found = []
    for name in ("single", *STRATEGIES):
        mine = [row for row in models if str(row["name"]).partition(":")[0].partition("@")[0] == name]
        if mine:
            sums = {key: sum(row[key] for row in mine) / seeds for key in ("tokens", "steps", "seconds")}
            found.append({"name": name, **sums})
    if record and record.get("tried"):
        tried = [row for row in found if row["name"] in record["tried"]]
        sums = {key: sum(row[key] for row in tried) for key in ("tokens", "steps", "seconds")}
        sums["seconds"] += (record["conflict"]["seconds"] + record["dev_seconds"]) / seeds
        found.append({"name": "auto", **sums})
    joint = next((row["seconds"] for row in found if row["name"] == "joint"), 0.0)
    return [
        {
            "name": row["name"],
            "tokens": round(row["tokens"]),
            "steps": round(row["steps"]),
            "seconds": round(row["seconds"], 2),
            "times": round(row["seconds"] / joint, 2) if joint else None,
        }
        for row in found
    ]
