"""Sixteen texts that travel with each model, chosen so that each way of going wrong moves a vector."""

from __future__ import annotations

__all__ = ["PROBES"]

PROBES: tuple[str, ...] = (
    "",
    "a",
    "Read a CSV file row by row.",
    "read a csv file row by row",
    "READ A CSV FILE ROW BY ROW!",
    "Return True if the two sets have no element in common.",
    "def add(left: int, right: int) -> int:\n    return left + right",
    "The cat sat on the mat. " * 4,
    "3.14159 2,718 1e-9 0xFF 2026-11-21T12:00:00Z",
    "https://example.org/path?query=value#fragment user@example.org",
    "Straße, façade, naïve, Ångström, İstanbul, señor, żółć",
    "Москва — столица России; 東京は日本の首都です; القاهرة",
    "emoji 🙂🙃 and symbols ∑ ≤ ∞ → ½ € ™",
    "  spaces\tand\n\nlines   around  ",
    "Which city is the capital of Australia, and how many people live there?",
    " ".join(f"Sentence {n} of a long text says something about item {n * 7 % 31}." for n in range(90)),
)
"""Empty, short, letter case, code, numbers, addresses, accents, scripts, symbols, spaces, and one past 512 tokens."""
