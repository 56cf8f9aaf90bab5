"""Further terms for a query: what an expansion is told, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from accord.core.errors import InputError
from accord.retrieval.lexical.analysers import Analyser

__all__ = ["Expand", "Question", "expanded"]


@dataclass(frozen=True)
class Question:
    """A query on its way to the index.

    Args:
        text: as it was asked.
        terms: of the text, each with its weight: how often it stands there.
        analyser: of the store; `analyser.query_terms("...")` makes terms of further words.
        first: texts (title and text) of the first n hits of the terms, best first, and their scores.
    """

    text: str
    terms: Mapping[str, float]
    analyser: Analyser
    first: Callable[[int], tuple[Sequence[str], np.ndarray]]


Expand = Callable[[Question], Mapping[str, float]]
"""From a question to the weighted terms that are searched in place of its own."""


def expanded(question: Question, expand: Expand | None) -> Mapping[str, float]:
    """The terms to search for.

    Raises:
        InputError: an expansion that does not give finite weights from 0, one of them above.
    """
    if expand is None:
        return question.terms
    found = expand(question)
    named = isinstance(found, Mapping) and all(isinstance(term, str) for term in found)
    values = np.array([*found.values()] if named else [], dtype=object)
    usable = len(values) and all(isinstance(v, (int, float, np.number)) and np.isfinite(v) and v >= 0 for v in values)
    if not usable or not any(values):
        raise InputError(
            "`expand` must return a mapping from terms to finite weights, not negative and not all zero. "
            f"Got {found!r:.80} instead."
        )
    return {term: float(weight) for term, weight in found.items() if weight}
