"""What was found about a budget, as plain rows, sentences and commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from accord.compression.elastic.sizes import Shape
from accord.recipes.budget.choice import COSTS, Limits, shortfalls
from accord.recipes.budget.sizes import Configuration

__all__ = ["commands", "row_of", "verdict_of"]

UNITS = {"ms": "ms a query", "mb_per_million": "MB a million documents", "model_mb": "MB of model"}
WHAT = {"ms": "milliseconds a query", "mb_per_million": "megabytes a million documents",
        "model_mb": "megabytes of model", "keep": "share of the quality"}  # fmt: skip


def row_of(
    config: Configuration, shape: Shape, costs: Mapping[str, float], whole: Mapping[str, float]
) -> dict[str, Any]:
    """A configuration as a row of the record.

    Args:
        config: the configuration.
        shape: of the whole model.
        costs: of the configuration.
        whole: costs of the whole model in float32.
    """
    view = config.view
    share = 1.0
    for name in COSTS:
        share *= (costs[name] / whole[name]) ** (1 / len(COSTS))
    return {
        "name": config.name,
        "size": config.size,
        "layers": view.layer or (shape.layers or None),
        "dim": view.dim or shape.dim,
        "width": view.width,
        "cut": {key: getattr(view, name) for key, name in (("layers", "layer"), ("dim", "dim"), ("width", "width"))
                if getattr(view, name) is not None},
        "backend": config.backend,
        "codec": config.codec,
        "spec": dict(config.spec),
        "rescore": config.rescore,
        **costs,
        "share": round(share, 5),
    }  # fmt: skip


def commands(row: Mapping[str, Any], model: str) -> list[str]:
    """How to make a configuration.

    >>> commands({"cut": {"layers": 4, "dim": 256}, "spec": {"RaBitQ": {"bits": 1}}, "rescore": False}, "runs/x")
    ['accord cut runs/x --layers 4 --dim 256 --out SMALL', \
"accord index SMALL CORPUS --out STORE --codec 'RaBitQ: {bits: 1}' --rescore none"]
    """
    found, served = [], shlex.quote(model)
    if row["cut"]:
        options = " ".join(f"--{name} {number}" for name, number in row["cut"].items())
        found.append(f"accord cut {served} {options} --out SMALL")
        served = "SMALL"
    options = ""
    if row["spec"]:
        (name, arguments), *_ = row["spec"].items()
        inside = ", ".join(f"{key}: {value}" for key, value in arguments.items())
        codec = f"{name}: {{{inside}}}" if inside else name
        options = f" --codec {shlex.quote(codec)} --rescore {'float16' if row['rescore'] else 'none'}"
    return [*found, f"accord index {served} CORPUS --out STORE{options}"]


def verdict_of(rows: Sequence[Mapping[str, Any]], limits: Limits) -> dict[str, Any]:
    """What is said of the budget.

    Args:
        rows: finished, with `chosen`, `dev` and `test`.
        limits: the budget.

    Returns:
        `{status, name, sentence, warnings, shortfalls}`; the status is "chosen", "none" or "frontier".
    """
    found: dict[str, Any] = {"status": "frontier", "name": None, "warnings": [], "shortfalls": []}
    chosen = next((row for row in rows if row["chosen"]), None)
    if not limits.given:
        count = sum(row["frontier"] for row in rows)
        sentence = f"No limit was given: of {len(rows)} configurations, {count} are on the frontier."
        return found | {"sentence": sentence}
    if chosen is None:
        short = shortfalls(rows, limits)
        return found | {"status": "none", "sentence": _why_none(short), "shortfalls": short}
    whole = rows[0]
    costs = " and ".join(f"{_number(chosen[name])} {unit}" for name, unit in UNITS.items())
    times = " and ".join(_times(whole[name] / chosen[name]) for name in COSTS)
    costs, times = (text.replace(" and ", ", ", 1) for text in (costs, times))
    sentence = (
        f"{chosen['name']} keeps {_share(chosen['test'])} of the whole model's quality on test rows, at {costs}: "
        f"{times} times less."
    )
    warnings = _warnings(chosen, limits)
    return found | {"status": "chosen", "name": chosen["name"], "sentence": sentence, "warnings": warnings}


def _warnings(chosen: Mapping[str, Any], limits: Limits) -> list[str]:
    """Where the test rows disagree, and the tasks that the mean hides."""
    found, keep = [], limits.keep
    if keep is not None and chosen["test"]["kept"] is not None and chosen["test"]["kept"] < keep:
        sure = chosen["test"]["high"] < keep
        how = "beyond chance" if sure else "which may be chance"
        found.append(
            f"On test rows it keeps less than was asked, {how}: {_share(chosen['test'])} beside {100 * keep:g} %."
        )
    for name, task in chosen["test"]["tasks"].items():
        if task["high"] is not None and task["high"] < (keep or 1.0):
            found.append(f"The task {name} loses more than that: it keeps {_share(task)} on test rows.")
    return found


def _why_none(short: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for one in short:
        option, what = f"--{one['limit'].replace('_', '-')} {one['asked']:g}", WHAT[one["limit"]]
        if not one["possible"]:
            over = abs(one["alone"] - one["asked"])
            best = "most" if one["limit"] == "keep" else "least"
            parts.append(f"`{option}` cannot be met: the {best} is {_number(one['alone'])} {what}, off by "
                         f"{_number(over)}.")  # fmt: skip
        elif one["least"] is not None:
            over = abs(one["least"] - one["asked"])
            parts.append(f"`{option}` would have to be {_number(one['least'])} for the other limits to be met, "
                         f"off by {_number(over)}.")  # fmt: skip
    reasons = " ".join(parts) or "No single limit is the reason: loosen two or more of them."
    return f"No configuration meets the budget. {reasons}"


def _share(found: Mapping[str, Any]) -> str:
    if found["kept"] is None:
        return "an unknown share"
    return f"{100 * found['kept']:.1f} % [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"


def _times(ratio: float) -> str:
    """A factor in two digits.

    >>> _times(1.28), _times(32.0), _times(1.0)
    ('1.3', '32', '1')
    """
    return f"{ratio:.1f}".removesuffix(".0") if ratio < 10 else f"{ratio:.0f}"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
