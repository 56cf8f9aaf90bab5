"""Recorded results: one JSON line a claim, and whether it still speaks about the code as it is."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import accord
from accord.core.errors import DataError, InputError
from accord.core.storage import atomic_file
from claims.base import Claim

__all__ = ["RESULTS", "code_hash", "read_results", "record", "state"]

RESULTS = Path(__file__).with_name("results.jsonl")


def code_hash(claim: Claim) -> str:
    """SHA-256 over what the claim's own file and the method's files inside accord do.

    Where a file lies, what it imports, its comments and its docstrings may change.
    """
    package = Path(accord.__file__).parent
    files = [Path(inspect.getfile(claim.run)), *(package / name for name in claim.method_files)]
    statements = "\n".join(_statements(file.read_text(encoding="utf-8")) for file in files)
    return hashlib.sha256(statements.encode()).hexdigest()


def _statements(text: str) -> str:
    """A file's text without comments, imports, texts that stand alone, and the places of the method's files."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [one for one in node.keywords if one.arg != "method_files"]
        elif isinstance(body := getattr(node, "body", None), list):
            node.body = [one for one in body if not _does_nothing(one)]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _does_nothing(node: ast.AST) -> bool:
    alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return alone or isinstance(node, (ast.Import, ast.ImportFrom))


def read_results(file: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Recorded rows by claim; none where nothing was recorded.

    Raises:
        DataError: a line that is not a result.
    """
    if not file.is_file():
        return {}
    rows: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            rows[row["claim"]] = row
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file}, line {number} is not a result: {error}.") from error
    return rows


def record(row: Mapping[str, Any], file: Path = RESULTS) -> None:
    """Put a result in the place of the claim's earlier one; lines are in order of names.

    Raises:
        InputError: a quick result would take the place of a full one.
    """
    before = read_results(file)
    held = before.get(str(row["claim"]))
    if held is not None and held.get("scale") == "full" and row.get("scale") == "quick":
        raise InputError(f"`{row['claim']}` has a recorded result at full scale, and a quick one does not replace it.")
    rows = {**before, str(row["claim"]): dict(row)}
    with atomic_file(file, "w") as handle:
        for name in sorted(rows):
            handle.write(json.dumps(rows[name], ensure_ascii=False, allow_nan=False) + "\n")


def state(claim: Claim, row: Mapping[str, Any] | None) -> str:
    """`not run`, `current`, or `stale` when a file of the method has changed since."""
    if row is None:
        return "not run"
    return "current" if row.get("hash") == code_hash(claim) else "stale"
