"""From the text of a filter to its tree.

```text
filter  = both { "or" both }
both    = one { "and" one }
one     = "not" one | "(" filter ")" | test
test    = field ( sign value | [ "not" ] choice | "is" [ "not" ] "null" )
sign    = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
choice  = "in" "(" value { "," value } ")" | "between" value "and" value | "like" string | "contains" value
field   = name { "." name }
name    = letters, digits, _ and -, or anything in double quotes
value   = 'string' | number | "true" | "false"
```
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from accord.core.errors import InputError
from accord.retrieval.filters.tokens import Token, tokens, trouble
from accord.retrieval.filters.tree import And, Between, Compare, Contains, Filter, IsNull, Like, Not, OneOf, Or, Test

__all__ = ["DEEPEST", "parse", "parse_field"]

DEEPEST = 12
"""How many parentheses and `not` may stand around a test."""
_SIGNS = {"=": "=", "==": "=", "!=": "=", "<>": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_LONGEST = 1_000_000


def parse(text: str) -> Filter:
    """Read a filter.

    Args:
        text: such as `year >= 2020 and lang = 'en'`.

    Raises:
        InputError: it cannot be read; the message points at the place.

    >>> str(parse("year>=2020 AND not (lang in ('en','de') or title is null)"))
    "year >= 2020 and not (lang in ('en', 'de') or title is null)"
    """
    if not isinstance(text, str):
        raise InputError(f"`where` must be a text or a filter. Got {type(text).__name__} instead.")
    if not text.strip():
        raise InputError("`where` must not be empty. Leave it out to search all documents.")
    if len(text) > _LONGEST:
        raise InputError(f"`where` may have {_LONGEST:,} characters. This one has {len(text):,}.")
    reader = _Reader(text)
    found = reader.either(0)
    reader.end()
    return found


def parse_field(text: str) -> tuple[str, ...]:
    """Read the name of a field.

    Raises:
        InputError: it is none.

    >>> parse_field('author."last name"')
    ('author', 'last name')
    """
    if not isinstance(text, str):
        raise InputError(f"A field's name must be a string. Got {text!r} instead.")
    reader = _Reader(text)
    keys = reader.field()
    reader.end()
    return keys


class _Reader:
    """Goes through the words of one text, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = tokens(text)
        self.next = 0

    @property
    def word(self) -> Token:
        return self.words[self.next]

    def take(self, *keywords: str) -> Token | None:
        """The next word, if it is one of these."""
        word = self.word
        if word.keyword not in keywords or not word.keyword:
            return None
        self.next += 1
        return word

    def need(self, keyword: str, where: str) -> None:
        if not self.take(keyword):
            raise self.error(f"{where} needs `{keyword}` here")

    def error(self, what: str, word: Token | None = None) -> InputError:
        return trouble(self.text, (word or self.word).at, what)

    def end(self) -> None:
        if self.word.kind == "end":
            return
        if self.word.keyword == ")":
            raise self.error("this ) closes nothing")
        if self.word.kind in {"word", "quoted", "string"}:
            raise self.error("`and` or `or` is missing between two tests")
        raise self.error(f"{self.word.text!r} follows a complete filter")

    def either(self, depth: int) -> Filter:
        parts = [self.both(depth)]
        while self.take("or"):
            parts.append(self.both(depth))
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def both(self, depth: int) -> Filter:
        parts = [self.one(depth)]
        while self.take("and"):
            parts.append(self.one(depth))
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def one(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise self.error(f"parentheses and `not` may be {DEEPEST} deep")
        if self.take("not"):
            return Not(self.one(depth + 1))
        if opening := self.take("("):
            found = self.either(depth + 1)
            if not self.take(")"):
                if self.word.kind == "end":
                    raise self.error("this ( is never closed", opening)
                self.end()
            return found
        return self.test()

    def field(self) -> tuple[str, ...]:
        keys = [self.name("a field's name is missing")]
        while self.take("."):
            keys.append(self.name("a name must follow the dot"))
        return tuple(keys)

    def name(self, missing: str) -> str:
        word = self.word
        if word.kind == "string":
            raise self.error(f'a field comes first, without quotes or in double ones: "{word.text}"')
        if word.kind in {"number", "date"}:
            raise self.error('a field comes first, then the value; a name that begins with a digit goes in ""')
        if word.keyword and word.kind == "word":
            raise self.error(f'{missing} (a field called `{word.text}` goes in double quotes: "{word.text}")')
        if word.kind not in {"word", "quoted"}:
            raise self.error(missing)
        self.next += 1
        return word.text

    def test(self) -> Filter:
        start = self.word
        keys = self.field()
        if self.take("is"):
            negated = self.take("not") is not None
            if not self.take("null"):
                raise self.error("`is` is followed by `null` or `not null`; compare values by =")
            return _turned(self.made(start, lambda: IsNull(keys)), negated)
        if sign := self.take(*_SIGNS):
            word, value = self.word, self.value(f"after `{sign.text}`")
            compared = self.made(word, lambda: Compare(keys, _SIGNS[sign.text], value))
            return _turned(compared, sign.text in {"!=", "<>"})
        negated = self.take("not") is not None
        return _turned(self.choice(keys), negated)

    def choice(self, keys: tuple[str, ...]) -> Test:
        word = self.word
        if self.take("in"):
            self.need("(", "`in`")
            values = [self.value("in the list")]
            while self.take(","):
                values.append(self.value("after the comma"))
            self.need(")", "the list")
            return self.made(word, lambda: OneOf(keys, tuple(values)))
        if self.take("between"):
            low = self.value("after `between`")
            self.need("and", "`between`")
            high = self.value("after `and`")
            return self.made(word, lambda: Between(keys, low, high))
        if self.take("like"):
            word, pattern = self.word, self.value("after `like`")
            return self.made(word, lambda: Like(keys, pattern))
        if self.take("contains"):
            word, value = self.word, self.value("after `contains`")
            return self.made(word, lambda: Contains(keys, value))
        raise self.error("a comparison must follow the field: = != < <= > >= in between like contains is")

    def value(self, where: str) -> Any:
        word = self.word
        self.next += word.kind != "end"
        if word.kind == "string":
            return word.text
        if word.kind == "number":
            return self.number(word)
        if word.keyword in {"true", "false"}:
            return word.keyword == "true"
        if word.keyword == "null":
            raise self.error("nothing equals null: write `is null` or `is not null`", word)
        if word.kind == "date":
            raise self.error(f"a date is a string, in single quotes: '{word.text}'", word)
        if word.kind in {"word", "quoted"} and not word.keyword:
            raise self.error(f"a string goes in single quotes: '{word.text}'", word)
        raise self.error(f"a value is missing {where}", word)

    def number(self, word: Token) -> int | float:
        if not any(sign in word.text for sign in ".eE") and len(word.text) < 4000:
            return int(word.text)
        value = float(word.text)
        if not math.isfinite(value):
            raise self.error("this number is too large", word)
        return value

    def made(self, word: Token, make: Callable[[], Any]) -> Any:
        """A node, or what it refuses, with the place in the text."""
        try:
            return make()
        except InputError as error:
            raise self.error(str(error).rstrip("."), word) from error


def _turned(test: Filter, negated: bool) -> Filter:
    return Not(test) if negated else test
