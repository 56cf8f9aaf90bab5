"""What was mined, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["duplicates_table", "mined_tables", "paraphrases_table"]

REASONS = {
    "rank": "outside the ranks",
    "margin": "within the margin",
    "relative_margin": "within the relative margin",
    "max_score": "above the largest score",
    "min_score": "below the smallest score",
    "guide": "refused by the guide",
    "spare": "left over",
    "taken": "taken",
}


def mined_tables(report: Mapping[str, Any]) -> RenderableType:
    """Negatives found and missing, mean scores, and what each rule refused.

    Args:
        report: of :func:`accord.mine`.
    """
    found = _rows(
        "Mined",
        [
            ("queries", report["queries"]),
            ("documents searched", report["documents"]),
            ("negatives", report["negatives"]),
            ("  of wanted", report["wanted"]),
            ("queries with all", report["queries_full"]),
            ("queries with some", report["queries_short"]),
            ("queries without any", report["queries_without"]),
            ("rows without a positive", report["rows_without_positive"]),
            ("rows written", report["rows"]),
            ("positives without a row", report["positives_without_row"]),
        ],
    )
    scores = Table(title="Scores", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("by", "of", "mean", "5 %", "median", "95 %"):
        scores.add_column(name, justify="left" if name in {"by", "of"} else "right")
    for by, sides in report["scores"].items():
        for of, numbers in sides.items():
            scores.add_row(by, of, *(f"{numbers[key]:.3f}" for key in ("mean", "p5", "median", "p95")))
    counts = report["candidates"]
    judged: list[tuple[str, int]] = [(label, counts[name]) for name, label in REASONS.items() if counts.get(name)]
    if report["known_inside"]:
        judged.insert(0, ("known to be right, never candidates", report["known_inside"]))
    return Group(found, scores, _rows(f"{counts['candidates']:,} candidates", judged), *_end(report))


def paraphrases_table(report: Mapping[str, Any]) -> RenderableType:
    """How many pairs, and between which scores.

    Args:
        report: of `mine_paraphrases`.
    """
    scores = f"Scores from {report['highest']:.3f} to {report['lowest']:.3f}, mean {report['mean']:.3f}."
    rows = [("texts", report["texts"]), ("distinct", report["distinct"]), ("pairs", report["pairs"])]
    return Group(_rows("Paraphrases", rows), Text(scores), *_end(report))


def duplicates_table(report: Mapping[str, Any]) -> RenderableType:
    """How many rows went, and the pairs nearest to the threshold.

    Args:
        report: of `drop_near_duplicates`.
    """
    rows = [(name.replace("_", " "), report[name]) for name in ("rows", "equal_texts", "near_duplicates", "kept")]
    examples = Table(title="Least alike of what went", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("cosine", "left out", "because of"):
        examples.add_column(name, no_wrap=True, overflow="ellipsis", justify="right" if name == "cosine" else "left")
    for example in report["examples"]:
        examples.add_row(f"{example['score']:.4f}", Text(_short(example["text"])), Text(_short(example["repeats"])))
    return Group(_rows("Near-duplicates", rows), *([examples] if report["examples"] else []), *_end(report))


def _rows(title: str, rows: Sequence[tuple[str, int]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=box.SIMPLE)
    table.add_column()
    table.add_column(justify="right")
    for name, value in rows:
        table.add_row(name, f"{value:,}")
    return table


def _end(report: Mapping[str, Any]) -> list[Text]:
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in report["seconds"].items())
    lines = [Text(f"Time: {seconds}.", style="dim")]
    if report["cache"]:
        cache = report["cache"]
        lines.insert(0, Text(f"Vectors: {cache['encoded']:,} encoded, {cache['reused']:,} from the cache."))
    if report["path"]:
        lines.append(Text(f"Wrote {report['path']}."))
    return lines


def _short(text: str) -> str:
    return " ".join(text.split())[:60]
