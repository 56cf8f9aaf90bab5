"""Sentences and passages of a plain text, by punctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["passages", "sentences"]

END = re.compile(r"(?<=[.!?…])[\"')\]”’]*\s+(?=[\"'(\[“‘]?[A-Z0-9À-ÖØ-Þ])|\n\s*\n|(?<=[。！？])\s*")
ABBREVIATION = re.compile(r"(?:\b[A-Z]|\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|etc|al|cf|Fig|Eq|No|Vol|e\.g|i\.e))\.$")


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without white space at their ends.

    A full stop ends a sentence when white space and a capital, a digit or a quotation mark follow it, and an
    abbreviation or an initial does not stand before it. An empty line ends one always.

    >>> sentences("It rains. Dr. Who (a traveller) stays in. 3 days later it stops!")
    ['It rains.', 'Dr. Who (a traveller) stays in.', '3 days later it stops!']
    """
    found: list[str] = []
    start = 0
    for cut in END.finditer(text):
        piece = text[start : cut.start()]
        if "\n" not in cut.group() and ABBREVIATION.search(piece):
            continue
        found.append(text[start : cut.end()].strip())
        start = cut.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def passages(parts: Sequence[str], words: int) -> list[list[str]]:
    """Sentences laid together, in order, to passages of at most `words` words; a longer sentence is one by itself.

    >>> passages(["a b c.", "d e.", "f g h i."], words=5)
    [['a b c.', 'd e.'], ['f g h i.']]
    """
    found: list[list[str]] = []
    length = 0
    for sentence in parts:
        size = len(sentence.split())
        if found and length + size <= words:
            found[-1].append(sentence)
            length += size
        else:
            found.append([sentence])
            length = size
    return found
