"""What a model can be shrunk to, as a page with its frontier and as tables for the terminal; made of its record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from accord.core.errors import DataError, InputError, require
from accord.core.storage import atomic_file, read_json
from accord.reporting import formats
from accord.reporting.plots.frontier import FRONTIER_MARKS, frontier_panels, kept_panel, lowest_drawn
from accord.reporting.plots.palette import COLOURS

__all__ = ["budget_tables", "write_frontier"]

FORMAT = "accord-budget/1"
TO = "\N{EN DASH}"
LIMITS = {"ms": "ms a query", "mb_per_million": "MB a million documents", "model_mb": "MB of model", "keep": "quality"}


def write_frontier(folder: Path | str) -> Path:
    """Write `frontier.html` beside a `budget.json`: what was chosen first, then the frontier and every configuration.

    Args:
        folder: what `accord budget` wrote.

    Returns:
        Where the page is.

    Raises:
        InputError: no such folder, or its measurement has not finished.
        DataError: the record cannot be read.
        MissingExtra: the extra `report` is not installed.
        StorageError: the disk refuses.
    """
    folder = Path(folder)
    record = _read(folder)
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
    environment.filters["kept"] = kept
    rows = record["configurations"]
    front = _by_quality([row for row in rows if row["test"]])
    lowest = lowest_drawn(rows, record["limits"]["keep"])
    text = environment.get_template("frontier.html").render(
        name=folder.resolve().name,
        record=record,
        colours=COLOURS,
        facts=_facts(record),
        front=front,
        panels=frontier_panels(rows, record["limits"], level=record["level"]),
        tested=kept_panel(front, record["limits"]["keep"], level=record["level"]),
        tasks=[task["name"] for task in record["tasks"]],
        chosen=next((row for row in front if row["chosen"]), None),
        marks=FRONTIER_MARKS,
        everything=_by_quality(rows),
        lowest=lowest,
        below=sum(row["dev"]["kept"] < lowest for row in rows),
        tables=max(row["codec_mb"] for row in rows),
    )
    path = folder / "frontier.html"
    with atomic_file(path, "w") as handle:
        handle.write(text)
    return path


def kept(share: Mapping[str, Any] | None, *, ends: bool = False) -> str:
    """A share of the quality in per cent, or its interval.

    >>> kept({"kept": 0.9834, "low": 0.97, "high": 0.99}), kept({"kept": 0.98, "low": 0.97, "high": 0.99}, ends=True)
    ('98.3 %', '97.0 to 99.0')
    """
    if share is None or share["kept"] is None:
        return formats.MISSING
    if not ends:
        return f"{100 * share['kept']:.1f} %"
    return f"{100 * share['low']:.1f} to {100 * share['high']:.1f}" if share.get("low") is not None else ""


def _read(folder: Path) -> Mapping[str, Any]:
    path = folder / "budget.json"
    if not path.is_file():
        raise InputError(f"{folder} holds no budget.json: `accord budget MODEL --on RECIPE --out {folder}` writes it.")
    try:
        record = read_json(path)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise DataError(f"{path} is not of the format {FORMAT}.")
    return record


def _template(name: str) -> str:
    return resources.files("accord.reporting.templates").joinpath(name).read_text(encoding="utf-8")


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    asked = [
        f"{100 * value:g} % of the quality" if name == "keep" else f"{value:g} {LIMITS[name]}"
        for name, value in record["limits"].items()
        if value is not None
    ]
    return [
        ("Model", str(record["model"])),
        ("Budget", ", ".join(asked) or "none given"),
        ("Tasks", ", ".join(task["name"] for task in record["tasks"])),
        ("Configurations", str(len(record["configurations"]))),
        ("Took", formats.duration(sum(record["seconds"].values()))),
        ("Intervals", formats.share(record["level"])),
    ]


def _by_quality(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The best quality first."""
    return sorted(rows, key=lambda row: (-row["dev"]["kept"], row["share"]))


def budget_tables(record: Mapping[str, Any]) -> list[RenderableType]:
    """What was chosen and why, the frontier beside the whole model, and how to make it.

    Args:
        record: what `budget.json` holds.
    """
    verdict = record["verdict"]
    front = _by_quality([row for row in record["configurations"] if row["test"]])
    parts: list[RenderableType] = [Text(verdict["sentence"], style="bold")]
    parts += [Text(warning, style="yellow") for warning in verdict["warnings"]]
    parts += [Text(""), _frontier(front)]
    notes = [
        f"ms: one query alone, encoded and searched in {formats.count(record['documents'])} documents. MB: in memory "
        "for a million documents, with + the disk that rescoring reads.",
        f"Kept: of the whole model's quality, with {formats.share(record['level'])} intervals of paired differences; "
        "dev rows chose, test rows were read once, for these rows. Worst: the task that keeps least on test rows.",
    ]
    parts += [Text(note, style="dim") for note in notes]
    parts += [Text(f"Left out: {one['what']}: {one['why']}", style="dim") for one in record["left_out"]]
    chosen = next((row for row in front if row["chosen"]), None)
    if chosen is not None:
        parts += [Text(""), *(Text(command) for command in chosen["commands"])]
    return parts


def _frontier(front: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(
        title="Frontier", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
        padding=0,
    )  # fmt: skip
    table.add_column("  size", no_wrap=True)
    table.add_column("codec", overflow="fold", min_width=15)
    for name in ("ms", "MB a\nmillion", "model\nMB", "% kept\non dev", "% kept\non test"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("worst\ntask", justify="right", overflow="fold")
    for row in front:
        extra = row["disk_mb_per_million"] - row["mb_per_million"]
        table.add_row(
            ("* " if row["chosen"] else "  ") + row["size"] + ("" if row["backend"] == "float32" else "\n  bf16"),
            row["codec"].replace("(", "\n(") + ("\n+ rescoring" if row["rescore"] else ""),
            formats.decimals(row["ms"], 1),
            formats.count(row["mb_per_million"]) + (f"\n+{formats.count(extra)}" if extra else ""),
            formats.decimals(row["model_mb"], 1),
            kept(row["dev"]).removesuffix(" %"),
            f"{kept(row['test']).removesuffix(' %')}\n{kept(row['test'], ends=True).replace(' to ', TO)}",
            _worst(row["test"]),
            style="bold" if row["chosen"] else "",
        )
    return table


def _worst(test: Mapping[str, Any]) -> str:
    known = {name: one for name, one in test["tasks"].items() if one["kept"] is not None}
    if not known:
        return formats.MISSING
    name = min(known, key=lambda task: known[task]["kept"])
    return f"{kept(known[name]).removesuffix(' %')}\n{name}"
