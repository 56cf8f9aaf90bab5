"""Lets a docstring hold the Markdown that reads best in an editor: fenced code, tables, tight nested lists."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
ROW = re.compile(r"^\s*\|.*\|\s*$")
ITEM = re.compile(r"^(\s*)(?:[-*+]|\d+\.)\s")
SHAPE = re.compile(r"^(\s*(?:\w+: )?)(\(\w+\)\s)")
"""`(n) labels` would be read as the first item of a list."""


def convert(lines: list[str]) -> list[str]:
    """The same docstring in reStructuredText.

    >>> convert(["* a", "  + b", "* c"])
    ['* a', '', '  + b', '', '* c']
    >>> convert(["    labels: (n) numbers"])
    ['    labels: \\\\(n) numbers']
    """
    done: list[str] = []
    rest = list(lines)
    while rest:
        if fence := FENCE.match(rest[0]):
            rest.pop(0)
            done += ["", f"{fence[1]}.. code-block:: {fence[2] or 'text'}", ""]
            while rest and not FENCE.match(rest[0]):
                done.append(f"   {rest.pop(0)}")
            rest = rest[1:]
            done.append("")
        elif ROW.match(rest[0]) and len(rest) > 1 and re.fullmatch(r"\s*\|[\s|:-]+\|\s*", rest[1]):
            table = []
            while rest and ROW.match(rest[0]):
                table.append([cell.strip() for cell in re.split(r"(?<!\\)\|", rest.pop(0).strip())[1:-1]])
            done += _list_table([table[0], *table[2:]])
        else:
            line = SHAPE.sub(r"\1\\\2", rest.pop(0))
            item, before = ITEM.match(line), ITEM.match(done[-1]) if done else None
            if item and before and len(item[1]) != len(before[1]):
                done.append("")
            done.append(line)
    return done


def _list_table(rows: list[list[str]]) -> list[str]:
    headed = any(rows[0])
    lines = ["", ".. list-table::", *(["   :header-rows: 1"] if headed else []), ""]
    for row in rows if headed else rows[1:]:
        for number, cell in enumerate(row):
            lines.append(f"   {'* -' if number == 0 else '  -'} {cell}")
    return [*lines, ""]


def rewrite(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Convert in place."""
    lines[:] = convert(lines)


def shorten(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """A class that inherits torch's catch-all constructor takes no arguments."""
    return ("()" if signature == "(*args: Any, **kwargs: Any)" else signature), returns


def setup(app: Sphinx) -> dict[str, bool]:
    """Register; before napoleon, which reads the sections."""
    app.connect("autodoc-process-docstring", rewrite, priority=100)
    app.connect("autodoc-process-signature", shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
