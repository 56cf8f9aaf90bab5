"""One self-contained page about a run, drawn from what its folder holds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

from accord.core.errors import require
from accord.core.storage import atomic_file
from accord.reporting import formats, plots
from accord.reporting.plots.palette import COLOURS, KNOWN, VERDICTS, Mark, marks
from accord.reporting.rows import Difference, kind
from accord.reporting.run_folder import Run, read_run
from accord.reporting.steps import cosines, curves, main_run, shares, weight_curves
from accord.reporting.summary import Summary, order_models

__all__ = ["page", "write_report"]

STRATEGIES = {
    "joint": "is one encoder trained on all tasks.",
    "balanced": "is one, too, with the gradients of the tasks weighed in each step.",
    "merged": "is made of one model a task.",
}
TEMPLATES = "accord.reporting.templates"


def write_report(run_folder: Path | str) -> Path:
    """Write `report.html` into a run folder; the same folder gives the same bytes.

    The page needs nothing beside itself: no script, no font, no picture from elsewhere.

    Args:
        run_folder: what `accord fit` wrote; `results.json` is needed, `steps.jsonl` and `recipe.yaml` are used where
            they exist.

    Returns:
        Where the page is.

    Raises:
        InputError: no such folder, or its run has not finished.
        DataError: a file of the run cannot be read.
        MissingExtra: the extra `report` is not installed.
        StorageError: the disk refuses.
    """
    text = page(read_run(run_folder))
    path = Path(run_folder) / "report.html"
    with atomic_file(path, "w") as handle:
        handle.write(text)
    return path


def page(run: Run) -> str:
    """The page as text.

    Args:
        run: a run folder, read.

    Raises:
        MissingExtra: the extra `report` is not installed.
    """
    jinja2: Any = require("jinja2", extra="report", purpose="The report")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {name: getattr(formats, name) for name in formats.__all__}
    environment.filters |= {"words": words, "by_pair": by_pair, "share": _share}
    return environment.get_template("report.html").render(
        run=run, s=run.summary, colours=COLOURS, verdicts=VERDICTS, **_drawings(run), **_words(run)
    )


def _share(fraction: float) -> str:
    return formats.share(fraction).replace(" ", "\N{NO-BREAK SPACE}")


def _template(name: str) -> str:
    return resources.files(TEMPLATES).joinpath(name).read_text(encoding="utf-8")


def _drawings(run: Run) -> dict[str, Any]:
    summary = run.summary
    tasks = [str(task.get("name")) for task in summary.tasks]
    lines = curves(run.steps, tasks)
    shared = main_run(run.steps)
    return {
        "score_panels": plots.intervals(summary.rows, summary.columns, level=summary.level),
        "difference_panels": plots.differences(summary.differences),
        "loss_panels": plots.losses(lines),
        "loss_marks": _legend([line.run for line in lines], tasks),
        "cost_panels": [*plots.timings(summary.timings), *plots.sizes(summary.sizes, run.steps)],
        "share_panels": plots.task_share(shares(run.steps, shared, tasks)),
        "shared_run": shared,
        "weight_panels": plots.losses(weight_curves(run.steps, tasks), measure="weight"),
        "cosines": cosines(run.steps),
    }


def _legend(runs: Sequence[str], tasks: Sequence[str]) -> list[Mark]:
    """One entry a look: the single-task models share theirs, and so do the seeds."""
    kinds = order_models((kind(run) if kind(run) in KNOWN else run for run in runs), tasks)
    return list(marks(kinds).values())


def _words(run: Run) -> dict[str, Any]:
    summary = run.summary
    beyond = len(summary.all_rows) > len(summary.rows) or any(m.startswith("single:") for m in summary.models)
    return {
        "facts": _facts(run),
        "strategies": STRATEGIES,
        "beyond": beyond,
        "leakage": [row for row in summary.leakage or () if row.get("count")],
        "machine": _machine(summary.environment),
        "commands": _commands(run),
        "model_path": json.dumps(str(run.folder / "model"), ensure_ascii=False),
    }


def _facts(run: Run) -> list[tuple[str, str]]:
    encoder, train = run.recipe.get("encoder"), run.recipe.get("train")
    model = encoder.get("model") if isinstance(encoder, Mapping) else encoder
    steps = train.get("steps") if isinstance(train, Mapping) else None
    total = sum(seconds for seconds in run.summary.seconds.values() if seconds is not None)
    found = [
        ("Base model", model),
        ("Strategy", _strategy(run.summary)),
        ("Tasks", len({row.task for row in run.summary.rows}) or None),
        ("Steps", steps),
        ("Took", formats.duration(total) if total else None),
        ("Seed" if len(run.summary.seeds) == 1 else "Seeds", ", ".join(map(str, run.summary.seeds))),
    ]
    return [(name, str(value)) for name, value in found if value]


def _strategy(summary: Summary) -> str | None:
    """How the encoder was made, where that is worth a word."""
    if summary.strategies is None:
        return None
    given, chosen = summary.strategies.given, summary.strategies.chosen
    return chosen if given == chosen else f"{given}: {chosen}"


def _commands(run: Run) -> list[tuple[str, str]]:
    folder = shlex.quote(str(run.folder))
    model, recipe = (shlex.quote(str(run.folder / name)) for name in ("model", "recipe.yaml"))
    found = [
        ("Measure another model on the same examples", f"accord evaluate {model} OTHER_MODEL --on {recipe}"),
        ("Compare this run with another", f"accord compare {folder} OTHER_RUN"),
        ("Check that the saved model still gives the vectors it was saved with", f"accord doctor {model}"),
    ]
    if run.recipe.get("index"):
        found.insert(0, ("Search what this run has indexed", f'accord search {folder} "your words"'))
    return found


def _machine(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, words(value)) for name, value in environment.items() if value not in (None, {}, [])]


def by_pair(rows: Sequence[Difference]) -> list[tuple[str, list[Difference]]]:
    """Comparisons in groups of one pair each, in their order."""
    return [(pair, list(group)) for pair, group in groupby(rows, key=lambda row: row.pair)]


def words(value: object) -> str:
    """Any value of a record on one line.

    >>> words({"cores": 2, "policy": ["a", "b"]}), words(None)
    ('cores 2, policy a b', '–')
    >>> words(1.0)
    '1'
    """
    if value is None:
        return formats.MISSING
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {words(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(words(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
