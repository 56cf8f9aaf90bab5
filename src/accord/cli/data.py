"""`accord data check` and `accord data dedupe`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["COMMANDS", "HELP", "check", "columns_of", "dedupe"]

HELP = "Look at your data before training on them."

FILE = typer.Argument(help="JSONL, CSV, TSV (each also .gz), Parquet, or hub:owner/name[/config][@split].")
SIGNAL = typer.Option(help="Pairs, Labelled, Scored, Ranked or Unlabelled, where the columns leave it open.")
COLUMN = typer.Option("--column", help="What a column means: anchor=title.")
AS_JSON = typer.Option("--json", help="Print the findings as JSON.")


def check(
    file: Annotated[str, FILE],
    signal: Annotated[str | None, SIGNAL] = None,
    column: Annotated[list[str] | None, COLUMN] = None,
    model: Annotated[str | None, typer.Option(help="Count tokens as this model does, and the texts it cuts.")] = None,
    problems: Annotated[int, typer.Option(help="Problems to list; all are counted.")] = 20,
    long: Annotated[int, typer.Option(help="Characters from which on a text is over-long.")] = 2000,
    threshold: Annotated[float, typer.Option(help="Similarity from which on rows are near-duplicates.")] = 0.85,
    near: Annotated[bool, typer.Option("--near/--no-near", help="Look for near-duplicates.")] = True,
    report: Annotated[Path | None, typer.Option(help="Write the findings as an HTML page as well.")] = None,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Say what a file is, what is wrong with it and what its texts look like; exits with 3 when something is wrong."""
    from accord.recipes.data_check import check_data, raise_for_problems
    from accord.reporting.data_check import data_check_tables, write_data_check

    found = check_data(
        file,
        signal=signal,
        columns=columns_of(column or []),
        model=model,
        listed=problems,
        long=long,
        threshold=threshold,
        near=near,
        progress=bars(),
    )
    if report is not None:
        write_data_check(found, report)
    if as_json:
        show_json(found)
    else:
        show(*data_check_tables(found))
    raise_for_problems(found)


def dedupe(
    file: Annotated[str, FILE],
    out: Annotated[Path, typer.Option(help="The file to write, in the format of its ending.")],
    threshold: Annotated[float, typer.Option(help="Similarity of shingles from which on a row is a repeat.")] = 0.85,
    unit: Annotated[str, typer.Option(help="Shingles of 5 characters (character) or 5 words (word).")] = "character",
    compare: Annotated[
        list[str] | None, typer.Option(help="Compare this text column only; may be repeated. Default: the whole row.")
    ] = None,
    signal: Annotated[str | None, SIGNAL] = None,
    column: Annotated[list[str] | None, COLUMN] = None,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Write a file again without the rows that repeat, or nearly repeat, an earlier one."""
    from accord.data.cleaning import dedupe_file
    from accord.data.detect import signal_named

    found = dedupe_file(
        file,
        out,
        signal=None if signal is None else signal_named(signal),
        columns=columns_of(column or []),
        compare=compare,
        threshold=threshold,
        unit=unit,
        progress=bars(),
    )
    if as_json:
        show_json(found)
        return
    show(
        f"{found.out}: {found.kept:,} of {found.rows:,} rows. "
        f"Left out: {found.exact:,} that repeat an earlier row, {found.near:,} that nearly do."
    )


def columns_of(words: list[str]) -> dict[str, str | None]:
    """Roles and columns from words such as `anchor=title`; nothing after the sign leaves the part aside.

    Raises:
        InputError: another form.
    """
    from accord.core.errors import InputError

    columns: dict[str, str | None] = {}
    for word in words:
        role, sign, name = word.partition("=")
        if not sign or not role:
            raise InputError(f"`--column` takes PART=COLUMN, such as anchor=title. Got {word!r}.")
        columns[role] = name or None
    return columns


COMMANDS: dict[str, Callable[..., None]] = {"check": check, "dedupe": dedupe}
