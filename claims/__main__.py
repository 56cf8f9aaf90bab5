"""The command line: ``python -m claims list | run NAME | table``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accord.core.errors import InputError
from claims.base import SCALES, Claim
from claims.results import read_results, record, state
from claims.runner import DEFAULT_MODEL, data_folders, default_cache, find, found_claims, run_claim
from claims.table import PAGE, page, read_papers, write_page

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when done, 2 for the caller's mistake, 130 when interrupted."""
    asked = _parser().parse_args(arguments)
    logging.getLogger("accord").setLevel(logging.ERROR)  # claims cut long texts on purpose, and count them
    try:
        asked.command(asked)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from the parts that are finished.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m claims", description="What papers say, run side by side.")
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", help="claims and what their last recorded run said")
    listing.set_defaults(command=_list)
    running = commands.add_parser("run", help="run one claim")
    running.set_defaults(command=_run)
    running.add_argument("name")
    running.add_argument("--data", help="folder of the data sets; ACCORD_DATA when left out")
    running.add_argument("--use", action="append", default=[], metavar="ROLE=FOLDER", help="another folder for a role")
    running.add_argument("--seeds", type=int, help="how many repetitions")
    running.add_argument(
        "--scale", choices=SCALES, default="quick", help="quick: 10 minutes on two cores; full: 2 hours"
    )
    running.add_argument("--model", default=DEFAULT_MODEL, help="start: a path, a hub name or package:MODULE")
    running.add_argument("--device", help="such as cpu or cuda; chosen by accord when left out")
    running.add_argument("--cache", type=Path, default=default_cache(), help="folder for finished parts")
    running.add_argument("--record", action="store_true", help="keep the result; a quick one never replaces a full one")
    writing = commands.add_parser("table", help="write docs/papers.md from the recorded results")
    writing.set_defaults(command=_table)
    for command in (listing, running):
        command.add_argument("--json", action="store_true", help="JSON to standard output")
    return parser


def _list(asked: argparse.Namespace) -> None:
    results = read_results()
    rows = [_summary(claim, results.get(name)) for name, claim in found_claims().items()]
    if asked.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        found = f"{row['verdict']}, {row['effect']:+.4f} ({row['scale']})" if row["verdict"] else ""
        print(f"{row['claim']:<24} {row['state']:<8} {found:<36} {row['statement']}")


def _summary(claim: Claim, row: Mapping[str, Any] | None) -> dict[str, Any]:
    found = row or {}
    return {
        "claim": claim.name,
        "paper": list(claim.papers),
        "statement": claim.statement,
        "state": state(claim, row),
        **{name: found.get(name) for name in ("verdict", "effect", "ci", "p", "scale")},
        "roles": {name: {"folder": role.folder, "shape": role.shape} for name, role in claim.roles.items()},
    }


def _run(asked: argparse.Namespace) -> None:
    claim = find(asked.name, found_claims())
    folders = data_folders(claim, asked.data, _pairs(asked.use))
    row = run_claim(
        claim,
        folders,
        scale=asked.scale,
        seeds=asked.seeds,
        model=asked.model,
        cache=asked.cache,
        device=asked.device,
    )
    if asked.record:
        record(row)
    print(json.dumps(row, indent=2) if asked.json else _text(claim, row))


def _pairs(words: Sequence[str]) -> dict[str, str]:
    split = [word.partition("=") for word in words]
    for word, (role, _, folder) in zip(words, split):
        if not role or not folder:
            raise InputError(f"--use takes ROLE=FOLDER. Got {word!r}.")
    return {role: folder for role, _, folder in split}


def _text(claim: Claim, row: Mapping[str, Any]) -> str:
    def numbers(found: Mapping[str, Any]) -> str:
        low, high = found["ci"]
        scores = f"{found['method_score']:.4f} against {found['baseline_score']:.4f}"
        return f"{scores}, {found['effect']:+.4f} [{low:+.4f}, {high:+.4f}], p {found['p']:.2g}, n {found['n']}"

    lines = [
        claim.statement,
        f"{row['metric']}: {row['method']} against {row['baseline']}, {row['scale']}, {len(row['seeds'])} seeds",
        *(f"  {task['task']:<16} {numbers(task)}" for task in row["tasks"]),
        f"  {'all':<16} {numbers(row)}",
        *row["notes"],
        f"{row['verdict']} ({row['seconds']:.0f} s)",
    ]
    return "\n".join(lines)


def _table(asked: argparse.Namespace) -> None:
    del asked
    write_page(page(read_papers(), found_claims(), read_results()))
    print(f"wrote {PAGE}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
