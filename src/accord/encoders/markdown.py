"""Text that means itself in Markdown, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["code", "escape", "fenced", "table"]

SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")


def escape(text: str) -> str:
    r"""Plain text: no character of it marks anything up; line ends become spaces.

    >>> print(escape("a|b <i>*x*"))
    a\|b \<i\>\*x\*
    """
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    r"""A code span that shows the text as it is; a line end is shown as `\n`.

    >>> print(code("query: "), code("`"), code("one\ntwo"))
    `query: ` `` ` `` `one\ntwo`
    """
    shown = text.replace("\n", "\\n")
    marks = "`" * (1 + _longest_run(shown))
    padded = f" {shown} " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else shown
    return f"{marks}{padded}{marks}"


def fenced(text: str, language: str = "") -> str:
    """A block of code whose fence no line of the text can close.

    >>> print(fenced("x = 1", "python"))
    ```python
    x = 1
    ```
    """
    marks = "`" * max(3, 1 + _longest_run(text))
    return f"{marks}{language}\n{text}\n{marks}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""A table of cells that are Markdown already; a bar within a cell does not end it.

    >>> print(table(("a", "b"), [("1", "`2|3`")]))
    | a | b |
    | --- | --- |
    | 1 | `2\|3` |
    """
    whole = [[re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *whole]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
