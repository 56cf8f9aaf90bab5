"""The words of the filter language, and errors that point at the place in its text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accord.core.errors import InputError

__all__ = ["KEYWORDS", "Token", "plain_name", "tokens", "trouble"]

KEYWORDS = frozenset(("and", "or", "not", "in", "between", "like", "contains", "is", "null", "true", "false"))
_WINDOW = 60
_NAME = r"[@$]?[^\W\d][\w-]*"
_KINDS = re.compile(
    rf"""(?P<space>\s+)
    |(?P<date>[0-9]{{4}}-[0-9]{{2}}(-[0-9]{{2}}[0-9:.TZ+-]*)?)
    |(?P<number>[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>{_NAME})
    |(?P<sign><=|>=|!=|<>|==|[=<>(),.])""",
    re.VERBOSE,
)
_PLAIN = re.compile(_NAME)
_HINTS = {
    "'": "the string that begins here has no closing '. A ' inside a string is doubled: 'it''s'",
    '"': 'the name that begins here has no closing "',
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "[": "lists have no numbered parts: a list passes a test when one of its elements does",
    "`": 'a name with odd characters goes in double quotes: "last name"',
    "\u2019": "strings go in straight single quotes: '",
    "\u2018": "strings go in straight single quotes: '",
    "\u201c": 'names with odd characters go in straight double quotes: "',
}


@dataclass(frozen=True)
class Token:
    """A word of a filter.

    Args:
        kind: "word", "quoted" (a name in double quotes), "string", "number", "date", "sign" or "end".
        text: as written; of names and strings without their quotes.
        at: where it begins.
    """

    kind: str
    text: str
    at: int

    @property
    def keyword(self) -> str:
        """The keyword or sign that it is, in small letters; empty for anything else."""
        if self.kind == "sign":
            return self.text
        return self.text.lower() if self.kind == "word" and self.text.lower() in KEYWORDS else ""


def plain_name(key: str) -> bool:
    """Whether a key needs no double quotes.

    >>> plain_name("year"), plain_name("last name"), plain_name("in")
    (True, False, False)
    """
    return _PLAIN.fullmatch(key) is not None and key.lower() not in KEYWORDS


def tokens(text: str) -> list[Token]:
    """Split a filter into its words.

    Raises:
        InputError: a character that begins nothing, or a quotation without an end.

    >>> [(token.kind, token.text) for token in tokens("year >= 2020")]
    [('word', 'year'), ('sign', '>='), ('number', '2020'), ('end', '')]
    """
    found, at = [], 0
    while at < len(text):
        match = _KINDS.match(text, at)
        if match is None:
            hint = _HINTS.get(text[at])
            raise trouble(text, at, hint or f"the character {text[at]!r} means nothing here")
        kind = str(match.lastgroup)
        if kind in {"string", "quoted"}:
            quote = match.group()[0]
            found.append(Token(kind, match.group()[1:-1].replace(quote * 2, quote), at))
        elif kind != "space":
            found.append(Token(kind, match.group(), at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def trouble(text: str, at: int, what: str) -> InputError:
    """The error about one place of a filter, with that place below it.

    >>> print(trouble("year => 2020", 5, "write >="))
    `where` cannot be read at character 6: write >=.
      year => 2020
           ^
    """
    first = max(0, at - _WINDOW // 2)
    before, after = ("…" if first else ""), ("…" if len(text) > first + _WINDOW else "")
    shown = "".join(sign if sign.isprintable() else " " for sign in text[first : first + _WINDOW])
    return InputError(
        f"`where` cannot be read at character {at + 1}: {what}.\n  {before}{shown}{after}\n"
        f"  {' ' * (len(before) + at - first)}^"
    )
