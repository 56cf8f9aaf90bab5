"""The functions of a Python library with their docstrings: code search on every machine, nothing imported."""

from __future__ import annotations

import ast
import logging
import re
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import decode_source
from pathlib import Path

import pyarrow as pa

from accord.core.checks import check_at_least
from accord.core.errors import DataError, InputError
from accord.core.progress import Progress, silent
from accord.core.random import unit_hash
from accord.core.spec import Described

__all__ = ["PythonLibrary"]

logger = logging.getLogger(__name__)

NOT_THE_LIBRARY = {"site-packages", "dist-packages"}
HIDDEN = "f"

Function = ast.FunctionDef | ast.AsyncFunctionDef


class PythonLibrary(Described):
    """Every function with a docstring below a folder of Python sources; by default, of the running Python's library.

    Columns: id (``module:qualified.name``; a second definition of that name ends in ``#2``), module, top (the top-level
    module), name, summary (the docstring's first paragraph), doc (the whole docstring; white space of both made plain)
    and code: the source from its ``def`` without the docstring. Sources are parsed, never imported. Functions with
    nothing but a docstring are left out, and of functions with equal summary and code the first by id stays.

    Reference: Husain et al. (2019), arXiv:1909.09436 (CodeSearchNet), whose pairing this is.

    Differs from the paper: the function's own name can be hidden, so that its words give nothing away.

    Args:
        exclude: modules to leave out with all below them, as dotted names.
        hide_names: write the function's own name as ``f`` wherever it stands in its code.
        cap_per_module: keep at most so many functions of a top-level module, chosen by a hash of their ids.
        root: another folder of sources; None for the standard library.
        min_doc_characters: shortest docstring that counts.
        only: modules to take alone, with all below them; all of them when empty.

    >>> PythonLibrary(cap_per_module=200)
    PythonLibrary(cap_per_module=200)
    """

    def __init__(
        self,
        exclude: Sequence[str] = ("test", "idlelib", "lib2to3"),
        hide_names: bool = True,
        cap_per_module: int | None = None,
        root: str | Path | None = None,
        min_doc_characters: int = 20,
        only: Sequence[str] = (),
    ) -> None:
        for name, modules in (("exclude", exclude), ("only", only)):
            if isinstance(modules, str):
                raise InputError(f"`{name}` must be a list of modules. Got {modules!r} instead.")
        if cap_per_module is not None:
            check_at_least("cap_per_module", cap_per_module, 1)
        check_at_least("min_doc_characters", min_doc_characters, 1)
        self.exclude = tuple(exclude)
        self.hide_names = hide_names
        self.cap_per_module = cap_per_module
        self.root = None if root is None else str(root)
        self.min_doc_characters = min_doc_characters
        self.only = tuple(only)

    def load(self, progress: Progress = silent) -> pa.Table:
        """Parse the sources; files that do not parse are left out and logged.

        Raises:
            DataError: no such folder, or no function with a docstring in it.
        """
        root = Path(self.root or sysconfig.get_paths()["stdlib"])
        if not root.is_dir():
            raise DataError(f"`root`: {root} is not a folder.")
        files = [(module, path) for module, path in _modules(root) if not self._excluded(module)]
        rows: list[dict[str, str]] = []
        with progress("read Python sources", total=len(files), unit="files") as advance:
            for module, path in files:
                rows.extend(self._functions(module, path))
                advance(1)
        rows = self._capped(_without_twins(sorted(rows, key=lambda row: row["id"])))
        if not rows:
            raise DataError(f"{root} holds no function with a docstring of {self.min_doc_characters} characters.")
        return pa.Table.from_pylist(rows)

    def _excluded(self, module: str) -> bool:
        return _below(module, self.exclude) or bool(self.only and not _below(module, self.only))

    def _functions(self, module: str, path: Path) -> Iterator[dict[str, str]]:
        parsed = _parse(path)
        if parsed is None:
            return
        tree, lines = parsed
        seen: dict[str, int] = {}
        for qualified, node in _walk(tree, ""):
            seen[qualified] = seen.get(qualified, 0) + 1
            doc = ast.get_docstring(node)
            if doc is None or len(flat := " ".join(doc.split())) < self.min_doc_characters or len(node.body) < 2:
                continue
            code = _without_docstring(node, lines)
            if self.hide_names:
                code = re.sub(rf"\b{re.escape(node.name)}\b", HIDDEN, code)
            yield {
                "id": f"{module}:{qualified}" + (f"#{seen[qualified]}" if seen[qualified] > 1 else ""),
                "module": module,
                "top": module.partition(".")[0],
                "name": node.name,
                "summary": " ".join(re.split(r"\n\s*\n", doc.strip(), maxsplit=1)[0].split()),
                "doc": flat,
                "code": code,
            }

    def _capped(self, rows: list[dict[str, str]]) -> list[dict[str, str]]:
        if self.cap_per_module is None:
            return rows
        ranked = sorted(rows, key=lambda row: (unit_hash(0, "cap", row["id"]), row["id"]))
        taken: dict[str, int] = {}
        kept = set()
        for row in ranked:
            taken[row["top"]] = taken.get(row["top"], 0) + 1
            if taken[row["top"]] <= self.cap_per_module:
                kept.add(row["id"])
        return [row for row in rows if row["id"] in kept]


def _below(module: str, names: Sequence[str]) -> bool:
    """Whether a module is one of some, or lies in one."""
    return any(module == name or module.startswith(name + ".") for name in names)


def _modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Importable sources below a folder with their dotted names, in order of names."""
    for path in sorted(root.rglob("*.py")):
        parts = list(path.relative_to(root).with_suffix("").parts)
        if NOT_THE_LIBRARY & set(parts):
            continue
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        if all(part.isidentifier() for part in parts):
            yield ".".join(parts), path


def _parse(path: Path) -> tuple[ast.Module, list[str]] | None:
    try:
        source = decode_source(path.read_bytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source), source.split("\n")
    except (SyntaxError, ValueError, RecursionError, OSError) as error:
        logger.info("%s is left out: %s", path, error)
        return None


def _walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    """Functions in the order of the file, with their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name, child
            yield from _walk(child, f"{prefix}{child.name}.<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield from _walk(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):
            yield from _walk(child, prefix)


def _without_docstring(node: Function, lines: list[str]) -> str:
    """Source from the `def`, dedented; what stands on the docstring's own lines goes with it."""
    docstring = node.body[0]
    first, last = docstring.lineno - 1, (docstring.end_lineno or docstring.lineno) - 1
    before = _cut(lines[first], 0, docstring.col_offset)
    after = _cut(lines[last], docstring.end_col_offset or 0, None).strip()
    after = "" if after.startswith("#") else after.lstrip("; ")
    middle = [before.rstrip() + (" " if before.strip() else "") + after] if before.strip() else []
    if after and not before.strip():
        middle = [before + after]
    rest = lines[last + 1 : node.end_lineno]
    while rest and not rest[0].strip():
        rest = rest[1:]
    margin = node.col_offset
    source = [*lines[node.lineno - 1 : first], *middle, *rest]
    return "\n".join(line[margin:] if not line[:margin].strip() else line for line in source).rstrip()


def _cut(line: str, start: int, stop: int | None) -> str:
    """Part of a line by the byte offsets that `ast` counts in."""
    return line.encode()[start:stop].decode(errors="replace")


def _without_twins(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    seen: set[tuple[str, str]] = set()
    kept = []
    for row in rows:
        twin = (row["summary"], row["code"])
        if twin not in seen:
            seen.add(twin)
            kept.append(row)
    return kept
