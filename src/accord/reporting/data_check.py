"""What was found in a file, for the terminal and as a page: problems, texts, labels, scores, pictures of lengths."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from accord.core.storage import atomic_file

__all__ = ["bar", "data_check_tables", "write_data_check"]

EIGHTHS = " ▏▎▍▌▋▊▉"
WIDTH = 30
LABELS = 12
THEME = TerminalTheme((255, 255, 255), (30, 30, 30), [(0, 0, 0)] * 8, [(90, 90, 90)] * 8)


def bar(share: float, width: int = WIDTH) -> str:
    """A bar of so much of a width, drawn to an eighth of a character; what is not nothing is seen.

    >>> bar(0.5, width=4), bar(0.001, width=4)
    ('██', '▏')
    """
    eighths = max(round(share * width * 8), int(share > 0))
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()


def data_check_tables(found: Mapping[str, Any]) -> list[RenderableType]:
    """What :func:`accord.recipes.data_check.check_data` found, piece by piece.

    Args:
        found: its plain values.
    """
    return [
        part
        for part in (
            _head(found),
            _problems(found),
            _texts(found),
            *(_lengths(name, texts) for name, texts in found["texts"].items() if texts["texts"]),
            _labels(found["labels"]),
            _scores(found["scores"]),
            _notes(found),
        )
        if part is not None
    ]


def write_data_check(found: Mapping[str, Any], path: str | Path) -> None:
    """The same as one HTML page without script or outside resource."""
    console = Console(record=True, file=io.StringIO(), width=110, markup=False, emoji=False)
    for part in data_check_tables(found):
        console.print(part)
    with atomic_file(path, "w") as handle:
        handle.write(console.export_html(theme=THEME, inline_styles=True))


def _head(found: Mapping[str, Any]) -> RenderableType:
    rows = f"{found['rows']:,} rows"
    if found["usable"] != found["rows"]:
        rows += f", {found['usable']:,} of them usable"
    parts = ", ".join(
        role if role == name else f"{role}: {name}" for role, name in found["names"].items() if role != "id"
    )
    signal = f"{found['signal']} ({parts})" if parts else found["signal"] or "no signal"
    if found["further"]:
        rows += f"; not read: {', '.join(found['further'])}"
    return Group(Text(found["file"], style="bold"), Text(f"{signal}; {found['why']}"), Text(rows), Text(""))


def _problems(found: Mapping[str, Any]) -> RenderableType | None:
    if not found["problem_count"]:
        return None
    lines = [Text(f"{found['problem_count']:,} problem(s)", style="bold red")]
    for problem in found["problems"]:
        place = "" if problem["line"] is None else f"line {problem['line']}: "
        lines.append(Text(f"  {place}{problem['message']}"))
    left = found["problem_count"] - len(found["problems"])
    if left:
        lines.append(Text(f"  ... and {left:,} more", style="dim"))
    return Group(*lines, Text(""))


def _texts(found: Mapping[str, Any]) -> RenderableType | None:
    if not found["texts"]:
        return None
    table = _table("texts", "column", "texts", "unique", "min", "5%", "50%", "95%", "max", "mean", "long")
    for name, texts in found["texts"].items():
        marks = [f"{texts['characters'].get(mark, 0):,}" for mark in ("min", "5%", "50%", "95%", "max", "mean")]
        table.add_row(name, f"{texts['texts']:,}", f"{texts['unique']:,}", *marks, f"{texts['long']:,}")
    if "tokens" not in found:
        return Group(table, Text("lengths in characters", style="dim"), Text(""))
    tokens = found["tokens"]
    counts = _table(f"tokens of {tokens['model']}", "column", "50%", "95%", "max", f"cut at {tokens['max_length']}")
    for name, marks in tokens["columns"].items():
        counts.add_row(name, *(f"{marks[mark]:,}" for mark in ("50%", "95%", "max", "cut")))
    return Group(table, Text("lengths in characters", style="dim"), Text(""), counts, Text(""))


def _lengths(name: str, texts: Mapping[str, Any]) -> RenderableType:
    names = [f"{bin_['from']:,}-{bin_['to']:,}" for bin_ in texts["histogram"]]
    return _picture(f"characters of {name}", names, [bin_["count"] for bin_ in texts["histogram"]])


def _labels(labels: Mapping[str, Any] | None) -> RenderableType | None:
    if labels is None:
        return None
    counts = list(labels["counts"].items())
    title = f"{labels['labels']:,} labels; {labels['imbalance']:g} rows of the most frequent for 1 of the rarest"
    shown = counts if len(counts) <= LABELS else [*counts[: LABELS - 3], *counts[-3:]]
    picture = _picture(title, [name for name, _ in shown], [count for _, count in shown])
    if len(shown) == len(counts):
        return picture
    return Group(picture, Text(f"the {LABELS - 3} most frequent and the 3 rarest", style="dim"), Text(""))


def _scores(scores: Mapping[str, Any] | None) -> RenderableType | None:
    if scores is None:
        return None
    names = [f"{bin_['from']:.3g} to {bin_['to']:.3g}" for bin_ in scores["histogram"]]
    title = f"scores: {scores['least']:g} to {scores['greatest']:g}, mean {scores['mean']:.3g}"
    return _picture(title, names, [bin_["count"] for bin_ in scores["histogram"]])


def _notes(found: Mapping[str, Any]) -> RenderableType | None:
    lines = list(found["hints"])
    duplicates = found["duplicates"]
    if duplicates is not None and duplicates["exact"]:
        lines.insert(0, f"{duplicates['exact']:,} row(s) repeat an earlier one.")
    if duplicates is not None and duplicates["near"]:
        lines.insert(
            1 if duplicates["exact"] else 0,
            f"{duplicates['near']:,} row(s) nearly repeat an earlier one (similarity {duplicates['threshold']:g} or "
            "more): `accord data dedupe` leaves them out.",
        )
    lines += [f"{lap['share']:.1%} of `{lap['of']}` stand in `{lap['in']}` too." for lap in found["overlaps"]]
    if not lines:
        return Text("Nothing else to note.") if found["texts"] else None
    return Group(Text("worth knowing", style="bold"), *(Text(f"  {line}") for line in lines))


def _picture(title: str, names: Sequence[str], counts: Sequence[int]) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right", max_width=32, overflow="ellipsis", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    most = max(counts, default=0) or 1
    for name, count in zip(names, counts):
        table.add_row(Text(name), bar(count / most), f"{count:,}")
    return Group(Text(title, style="bold"), table, Text(""))


def _table(title: str, first: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")
    return table
