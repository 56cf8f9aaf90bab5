"""Words of texts as sparse tf-idf rows, a language at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accord.core.errors import InputError

__all__ = ["WEIGHED", "by_language", "weigh_words"]

WEIGHED = ("word", "char")


def by_language(languages: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each language, in order of appearance.

    >>> by_language(["de", "en", "de"])
    {'de': [0, 2], 'en': [1]}
    """
    found: dict[str, list[int]] = {}
    for row, name in enumerate(languages):
        found.setdefault(name, []).append(row)
    return found


def weigh_words(texts: Sequence[str], analyzer: str, ngram: int, language: str) -> tuple[Any, Any]:
    """A fitted tf-idf weigher, and the rows of these texts.

    Raises:
        InputError: texts without a single word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    kind = "word" if analyzer == "word" else "char_wb"
    weigher = TfidfVectorizer(analyzer=kind, ngram_range=(1, ngram), sublinear_tf=True)
    try:
        return weigher, weigher.fit_transform(texts)
    except ValueError as error:
        where = f" of the language {language!r}" if language else ""
        raise InputError(f"The {len(texts)} texts{where} hold no word ({error}). Set `analyzer: char`.") from error
