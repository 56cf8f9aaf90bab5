"""The table of papers: what was claimed, what was found, and what nobody has run yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accord.core.errors import DataError
from accord.core.storage import atomic_file
from claims.base import Claim
from claims.results import state

__all__ = ["PAGE", "PAPERS", "page", "read_papers", "write_page"]

PAPERS = Path(__file__).with_name("papers.tsv")
PAGE = Path(__file__).parent.parent / "docs" / "papers.md"
COLUMNS = ("id", "title", "year", "reference")


def read_papers(file: Path = PAPERS) -> dict[int, dict[str, str]]:
    """Papers by their number.

    Raises:
        DataError: a heading or a line of another form.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or tuple(lines[0].split("\t")) != COLUMNS:
        raise DataError(f"{file}, line 1: expected the heading {', '.join(COLUMNS)}.")
    papers: dict[int, dict[str, str]] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS) or not cells[0].isdigit() or int(cells[0]) in papers:
            raise DataError(f"{file}, line {number}: expected {len(COLUMNS)} columns and a new number. Got {line!r}.")
        papers[int(cells[0])] = dict(zip(COLUMNS, cells))
    return papers


def page(
    papers: Mapping[int, Mapping[str, str]], claims: Mapping[str, Claim], results: Mapping[str, Mapping[str, Any]]
) -> str:
    """The page as Markdown: the results first, then every paper.

    Raises:
        DataError: a claim about a paper that the list lacks.
    """
    of_paper: dict[int, list[str]] = {}
    for claim in claims.values():
        for paper in claim.papers:
            if paper not in papers:
                raise DataError(f"The claim `{claim.name}` is about paper {paper}, which papers.tsv lacks.")
            of_paper.setdefault(paper, []).append(claim.name)
    counts: dict[str, int] = {}
    for name in claims:
        verdict = str(results[name]["verdict"]) if name in results else "not run"
        counts[verdict] = counts.get(verdict, 0) + 1
    said = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())) or "none yet"
    lines = [
        "# Papers and claims",
        "",
        "<!-- Written by `python -m claims table`; do not edit. -->",
        "",
        f"{len(papers)} papers, {len(of_paper)} of them with a claim that runs. Claims: {said}.",
        "A claim *holds* or *fails* when a paired test over examples and seeds says so with p < 0.05 and an interval",
        "that leaves out zero; otherwise it is *inconclusive*. *Stale* means that the method has changed since.",
        "",
        "## Claims",
        "",
        "| claim | verdict | effect [95 % interval] | statement | compared |",
        "| --- | --- | --- | --- | --- |",
        *(_claim_line(claim, results.get(name)) for name, claim in sorted(claims.items())),
        "",
        "## Papers",
        "",
        "| id | title | year | reference | claims |",
        "| --- | --- | --- | --- | --- |",
        *(_paper_line(paper, of_paper.get(number, [])) for number, paper in sorted(papers.items())),
    ]
    return "\n".join(lines) + "\n"


def write_page(text: str, file: Path = PAGE) -> None:
    """Write the page whole or not at all."""
    with atomic_file(file, "w") as handle:
        handle.write(text)


def _claim_line(claim: Claim, row: Mapping[str, Any] | None) -> str:
    compared = f"{claim.method}; against {claim.baseline}; by {claim.metric}"
    if row is None:
        return _line([f"`{claim.name}`", "not run", "", claim.statement, compared])
    low, high = row["ci"]
    scores = f"{row['method_score']:.3f} against {row['baseline_score']:.3f}"
    effect = f"{scores}: {row['effect']:+.3f} [{low:+.3f}, {high:+.3f}], p {row['p']:.2g}"
    counts = f"n {row['n']:,}, {len(row['seeds'])} {'seed' if len(row['seeds']) == 1 else 'seeds'}"
    stale = ", stale" if state(claim, row) == "stale" else ""
    verdict = f"**{row['verdict']}** ({row['scale']}{stale})"
    return _line([f"`{claim.name}`", verdict, f"{effect}; {counts}", claim.statement, compared])


def _paper_line(paper: Mapping[str, str], claims: list[str]) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(claims))
    return _line([paper["id"], paper["title"], paper["year"], paper["reference"], names])


def _line(cells: list[str]) -> str:
    escaped = [cell.replace("|", "\\|").replace("$", "\\$").replace("<", "&lt;") for cell in cells]
    return f"| {' | '.join(escaped)} |"
