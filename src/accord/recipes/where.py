"""Find a method by its name, by what others call it, or by its paper, from the docstrings alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import accord
from accord.core.checks import did_you_mean
from accord.core.errors import InputError

__all__ = ["Place", "where"]


@dataclass(frozen=True)
class Place:
    """Where a public name lives.

    Args:
        name: of the class or function.
        file: relative to the package.
        summary: first line of its docstring.
        aliases: its line `Also known as`.
        reference: its line `Reference`.
    """

    name: str
    file: str
    summary: str
    aliases: str = ""
    reference: str = ""


def where(name: str) -> list[Place]:
    """Places whose name, alias, reference or room matches.

    Args:
        name: any of them, upper and lower case alike, `_`, `-` and blanks ignored.

    Returns:
        Best matches first: names, then aliases (whole words before parts of words), then references and rooms.

    Raises:
        InputError: nothing matches, with a suggestion.

    >>> where("multiple negatives ranking loss")[0].name
    'info_nce'
    """
    wanted = _plain(name)
    places = _places()
    exact = [p for p in places if _plain(p.name) == wanted]
    known_as = [p for p in places if wanted in _plain(p.aliases) or wanted in _plain(p.name)]
    known_as.sort(key=lambda place: not _is_word(name, f"{place.name}, {place.aliases}"))
    cited = [p for p in places if wanted in _plain(p.reference) or wanted in map(_plain, Path(p.file).parts)]
    found = list(dict.fromkeys([*exact, *known_as, *cited]))
    if not found or not wanted:
        hint = did_you_mean(name, [p.name for p in places])
        raise InputError(f"Nothing is called `{name}`.{hint} Rooms list theirs: `accord where objectives`.")
    return found


def _is_word(name: str, text: str) -> bool:
    """Whether the name stands in the text by itself, and not inside a longer word."""
    return re.search(rf"(?<!\w){re.escape(name.strip())}(?!\w)", text, flags=re.IGNORECASE) is not None


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-]+", "", text).casefold()


@cache
def _places() -> tuple[Place, ...]:
    """All places, read from the source once a process."""
    return tuple(_read_places())


def _read_places() -> Iterator[Place]:
    root = Path(accord.__file__).parent
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = _public(tree)
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in public:
                text = ast.get_docstring(node) or ""
                yield Place(
                    node.name,
                    str(path.relative_to(root)),
                    text.partition("\n")[0],
                    _paragraph(text, "Also known as"),
                    _paragraph(text, "Reference"),
                )


def _public(tree: ast.Module) -> set[str]:
    """Names in the module's `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return {str(e.value) for e in getattr(node.value, "elts", ()) if isinstance(e, ast.Constant)}
    return set()


def _paragraph(text: str, heading: str) -> str:
    """The paragraph that starts with `heading:`, on one line."""
    found = re.search(rf"^{heading}:\s*(.+?)(?:\n\s*\n|\Z)", text, flags=re.DOTALL | re.MULTILINE)
    return " ".join(found[1].split()) if found else ""
