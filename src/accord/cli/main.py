"""`accord`: the commands, and what each kind of error exits with.

0 done, 1 a bug of ours, 2 a mistake that the message tells how to mend, 3 a check that said no, 130 interrupted.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from typing import Any

import typer

from accord.cli import (
    budget,
    codec,
    compare,
    conflict,
    cut,
    data,
    distil,
    doctor,
    embed,
    encode,
    evaluate,
    fit,
    index,
    init,
    merge,
    mine,
    plan,
    prune,
    report,
    rerank,
    search,
    store,
    where,
)
from accord.core.errors import AccordError, CheckFailed, InputError, MissingExtra, StorageError
from accord.core.ranks import leads
from accord.core.threads import settle

__all__ = ["app", "main"]

app = typer.Typer(
    name="accord",
    help="One embedding space that all your tasks agree on. Add --debug to any command to see a traceback.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

COMMANDS: dict[str, Callable[..., None]] = {
    "fit": fit.command,
    "plan": plan.command,
    "init": init.command,
    "encode": encode.command,
    "embed": embed.command,
    "index": index.command,
    "mine": mine.command,
    "evaluate": evaluate.command,
    "compare": compare.command,
    "conflict": conflict.command,
    "merge": merge.command,
    "budget": budget.command,
    "distil": distil.command,
    "cut": cut.command,
    "prune": prune.command,
    "search": search.command,
    "rerank": rerank.command,
    "doctor": doctor.command,
    "where": where.command,
    "report": report.command,
}


class _Stopped(Exception):
    """Ctrl-C with its message, in a form that typer lets through."""


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose message survives a Ctrl-C: typer would end the program without it."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt as stop:
            raise _Stopped(str(stop) or "Interrupted.") from stop

    return run


for _name, _command in COMMANDS.items():
    app.command(_name)(_interruptible(_command))
_data = typer.Typer(help=data.HELP, no_args_is_help=True, rich_markup_mode=None)
for _name, _command in data.COMMANDS.items():
    _data.command(_name)(_interruptible(_command))
app.add_typer(_data, name="data")
_codec = typer.Typer(help=codec.HELP, no_args_is_help=True, rich_markup_mode=None)
for _name, _command in codec.COMMANDS.items():
    _codec.command(_name)(_interruptible(_command))
app.add_typer(_codec, name="codec")
_store = typer.Typer(help=store.HELP, no_args_is_help=True, rich_markup_mode=None)
for _name, _command in store.COMMANDS.items():
    _store.command(_name)(_interruptible(_command))
_export = typer.Typer(help=store.EXPORTS_HELP, no_args_is_help=True, rich_markup_mode=None)
for _name, _command in store.EXPORTS.items():
    _export.command(_name)(_interruptible(_command))
_store.add_typer(_export, name="export")
app.add_typer(_store, name="store")


def _version(value: bool) -> None:
    if value:
        from accord._version import __version__

        typer.echo(f"accord {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Settle what all commands share."""
    del version


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of what happened."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    settle()
    level = logging.DEBUG if debug else logging.WARNING if leads() else logging.ERROR
    logging.basicConfig(format="%(message)s", level=level, stream=sys.stderr)
    if not debug:
        logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        app([word for word in arguments if word != "--debug"])
    except (KeyboardInterrupt, _Stopped) as stop:
        _say(str(stop) or "Interrupted.")
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        sys.exit(_explain(error))


def _explain(error: Exception) -> int:
    """Say what went wrong in one message; returns the exit code."""
    if isinstance(error, CheckFailed):
        _say(str(error))
        return 3
    if isinstance(error, (InputError, MissingExtra, StorageError)):
        text = error.strerror if isinstance(error, StorageError) and error.strerror else str(error)
        _say(f"Error: {text}")
        return 2
    kind = "Error" if isinstance(error, AccordError) else f"This is a bug in accord: {type(error).__name__}"
    _say(f"{kind}: {error}\nRun the command again with --debug for the whole story.")
    return 1


def _say(text: str) -> None:
    typer.echo(text, err=True)


if __name__ == "__main__":
    main()
