"""What was found about conflicts, as a page with heat maps and as tables for the terminal; rebuilt from its record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from accord.core.errors import DataError, InputError, require
from accord.core.storage import atomic_file, read_json
from accord.reporting import formats
from accord.reporting.plots.heat_map import HeatMap, Scale, heat_map
from accord.reporting.plots.palette import COLOURS, VERDICTS

__all__ = ["conflict_tables", "write_conflict_report"]

FORMAT = "accord-conflict/1"
LOOKS = {"conflict": "worse", "no conflict": "better", "undecided": "same"}
MEASURES = {
    "gradient_cosine": "Cosine of two batches",
    "corrected_cosine": "Cosine, noise taken out",
    "conflict_rate": "Share of batches that pull apart",
    "magnitude_similarity": "Likeness of lengths",
    "lookahead_affinity": "Loss that a step saves",
    "task_vector_cosine": "Cosine of task vectors",
    "norm_ratio": "Lengths of task vectors, one over the other",
    "sign_agreement": "Equal signs where both moved most",
    "subspace_overlap": "Shared directions of matrices",
    "loss_barrier": "Loss barrier",
    "transfer": "Change of the metric",
}


def write_conflict_report(folder: Path | str) -> Path:
    """Write `report.html` beside a `conflict.json`: the recommendation first, then every measure as a heat map.

    Args:
        folder: what `accord conflict` wrote.

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
    text = environment.get_template("conflict.html").render(
        name=folder.resolve().name,
        record=record,
        colours=COLOURS,
        verdicts=VERDICTS,
        looks=LOOKS,
        measures=MEASURES,
        facts=_facts(record),
        **_maps(record),
    )
    path = folder / "report.html"
    with atomic_file(path, "w") as handle:
        handle.write(text)
    return path


def _read(folder: Path) -> Mapping[str, Any]:
    path = folder / "conflict.json"
    if not path.is_file():
        raise InputError(f"{folder} holds no conflict.json: `accord conflict RECIPE --out {folder}` writes it.")
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
    settings = record["settings"]
    sizes = dict.fromkeys(settings["batch_sizes"])
    return [
        ("Base model", str(settings["encoder"])),
        ("Tasks", str(len(record["tasks"]))),
        ("Batches a task", f"{settings['batches']} of {' or '.join(map(str, sizes))}"),
        ("Steps a training", str(settings["steps"])),
        ("Took", formats.duration(sum(record["seconds"].values()))),
        ("Intervals", formats.share(record["level"])),
    ]


COSINE = Scale(reach=1)
SHARE = Scale(reach=1, signed=False)
CHANGE = Scale(digits=3)
HALF = Scale(middle=0.5, reach=0.5, signed=False)

SECTIONS = {
    "gradients": (
        ("corrected_cosine", "", COSINE),
        ("gradient_cosine", "", COSINE),
        ("conflict_rate", "", replace(HALF, rising=False)),
        ("magnitude_similarity", "", SHARE),
    ),
    "steps": (("lookahead_affinity", "step on ↓ · loss of →", CHANGE),),
    "vectors": (
        ("task_vector_cosine", "", COSINE),
        ("sign_agreement", "", HALF),
        ("subspace_overlap", "", SHARE),
        ("norm_ratio", "first ↓ · second →", Scale(middle=1, signed=False)),
    ),
    "models": (
        ("transfer", "trained on ↓ · measured on →", CHANGE),
        ("loss_barrier", "", replace(CHANGE, rising=False)),
    ),
}
"""Measures of each section of the page, with what rows and columns are where they differ, and their colours."""

DIRECTED = frozenset({"lookahead_affinity", "transfer", "norm_ratio"})


def _maps(record: Mapping[str, Any]) -> dict[str, list[HeatMap]]:
    """The heat maps of each section; a section without measurements has none."""
    names = record["tasks"]
    found = {
        section: [
            heat_map(
                MEASURES[measure],
                names,
                names,
                _values(record, measure, both=measure not in DIRECTED),
                corner=corner,
                scale=scale,
            )
            for measure, corner, scale in measures
        ]
        for section, measures in SECTIONS.items()
    }
    found["layers"] = [_layers(record, "corrected_cosine", "Cosine, noise taken out, by layer")]
    return {name: [one for one in maps if _filled(one)] for name, maps in found.items()}


def _filled(one: HeatMap) -> bool:
    return any(cell for _, cells in one.rows for cell in cells)


Values = dict[tuple[str, str], tuple[float | None, float | None, float | None]]


def _values(record: Mapping[str, Any], measure: str, *, both: bool = False, layers: str = "all") -> Values:
    """A measure by (row, column); `both` fills the two halves of a symmetric one."""
    found: Values = {}
    for line in record["rows"]:
        if line["measure"] != measure or line["layers"] != layers:
            continue
        value = (line["value"], line["low"], line["high"])
        found[line["a"], line["b"]] = value
        if both:
            found[line["b"], line["a"]] = value
    return found


def _layers(record: Mapping[str, Any], measure: str, title: str) -> HeatMap:
    """A measure of every pair, a row a layer."""
    layers = list(dict.fromkeys(line["layers"] for line in record["rows"] if line["measure"] == "gradient_cosine"))
    pairs = {(a, b): f"{a} · {b}" for a, b in combinations(record["tasks"], 2)}
    values: Values = {}
    for line in record["rows"]:
        pair = pairs.get((line["a"], line["b"]))
        if line["measure"] == measure and pair is not None:
            values[line["layers"], pair] = (line["value"], line["low"], line["high"])
    return heat_map(title, layers, list(pairs.values()), values, scale=COSINE)


def conflict_tables(record: Mapping[str, Any]) -> list[RenderableType]:
    """The recommendation, what is said of each pair, and the main measures.

    Args:
        record: what `conflict.json` holds.
    """
    parts: list[RenderableType] = [Text(record["recommendation"]["sentence"], style="bold"), Text("")]
    parts += [Text(f"{one['verdict']:<12} {one['sentence']}") for one in record["pairs"]]
    parts += [Text(""), _pairs_table(record)]
    if any(line["measure"] == "transfer" for line in record["rows"]):
        parts.append(_transfer_table(record))
    parts += [Text(f"Note: {note}", style="dim") for note in record["notes"]]
    return parts


def _pairs_table(record: Mapping[str, Any]) -> Table:
    shown = ("corrected_cosine", "gradient_cosine", "task_vector_cosine", "loss_barrier")
    table = Table(
        title=f"Pairs of tasks, with {formats.share(record['level'])} intervals",
        title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    table.add_column("tasks", overflow="fold")
    table.add_column("cosine,\nnoise out", justify="right")
    table.add_column("of batches\n(ceiling)", justify="right")
    table.add_column("of task\nvectors", justify="right")
    table.add_column("loss\nbarrier", justify="right")
    ceilings = {(one["a"], one["b"]): one["ceiling"] for one in record["pairs"]}
    for a, b in combinations(record["tasks"], 2):
        cells = []
        for measure in shown:
            value, low, high = _values(record, measure).get((a, b), (None, None, None))
            text = formats.difference(value)
            if measure == "gradient_cosine":
                cells.append(f"{text}\n({formats.decimals(ceilings[a, b])})")
            else:
                cells.append(f"{text}\n{formats.interval(low, high, signed=True)}" if value is not None else text)
        table.add_row(f"{a}\n{b}", *cells)
    return table


def _transfer_table(record: Mapping[str, Any]) -> Table:
    values = _values(record, "transfer")
    columns: Sequence[str] = list(dict.fromkeys(b for _, b in values))
    table = Table(
        title="Change of the dev metric (columns) after training on a task (rows)",
        title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    table.add_column("trained on", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", overflow="fold")
    for a in record["tasks"]:
        cells = [values.get((a, b), (None, None, None)) for b in columns]
        table.add_row(
            a, *(f"{formats.difference(v)}\n{formats.interval(low, high, signed=True)}" for v, low, high in cells)
        )
    return table
