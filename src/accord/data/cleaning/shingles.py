"""Texts as sets of shingles: every run of so many characters or words, as 64-bit hashes; many texts at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.types import Ragged

__all__ = ["UNITS", "shingles"]

UNITS = ("character", "word")
BASE = np.uint64(0x9E3779B97F4A7C15)
SPACE = 32


def shingles(texts: Sequence[str], *, unit: str = "character", size: int = 5) -> Ragged:
    """The shingles of each text, repeats included; a text shorter than one shingle is one shingle.

    Two shingles are equal where their characters (words) are, and else differ but for accidents of 64 bits.

    Also known as: k-shingles, w-shingling, character n-grams, word n-grams.

    Reference: Broder (1997), On the resemblance and containment of documents, section 2.

    Args:
        texts: as they are compared; white space counts.
        unit: "character" or "word" (what stands between blanks).
        size: characters or words a shingle.

    Returns:
        Rows of uint64, one row a text; of an empty text none.

    >>> [len(row) for row in shingles(["abcdef", "abc", ""], size=5)]
    [2, 1, 0]
    """
    check_choice("unit", unit, UNITS)
    check_at_least("size", size, 1)
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if unit == "word":
        codes, lengths = _words(codes, lengths)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    width = np.minimum(size, lengths)
    counts = np.where(lengths > 0, lengths - width + 1, 0)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1] - starts, counts)
    return Ragged(_mix(_runs(codes, size, places, np.repeat(width, counts))), offsets)


def _runs(codes: np.ndarray, size: int, places: np.ndarray, width: np.ndarray) -> np.ndarray:
    """A polynomial hash of the run that begins at each place; short runs are cut at their width."""
    total = np.zeros(len(places), dtype=np.uint64)
    padded = np.concatenate([_mix(codes + np.uint64(1)), np.zeros(size, dtype=np.uint64)])
    short = bool((width < size).any())
    for step in range(size):
        term = padded[places + step]
        if short:
            term = np.where(step < width, term, np.uint64(0))
        total = total * BASE + term
    return total


def _words(codes: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A hash of each word, and how many words each text has."""
    texts = np.repeat(np.arange(len(lengths)), lengths)
    inside = codes != SPACE
    first = inside & np.concatenate([[True], ~inside[:-1] | (texts[1:] != texts[:-1])])[: len(codes)]
    begins = np.flatnonzero(first)
    if not len(begins):
        return np.array([], dtype=np.uint64), np.zeros(len(lengths), dtype=np.int64)
    word = np.cumsum(first) - 1
    depth = np.arange(len(codes)) - begins[np.maximum(word, 0)]
    powers = np.cumprod(np.full(int(depth[inside].max()) + 1, BASE))
    terms = np.where(inside, _mix(codes + np.uint64(1)) * powers[np.where(inside, depth, 0)], np.uint64(0))
    hashes = np.add.reduceat(terms, begins)
    return hashes, np.bincount(texts[begins], minlength=len(lengths)).astype(np.int64)


def _mix(values: np.ndarray) -> np.ndarray:
    """Spread 64-bit values evenly (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
