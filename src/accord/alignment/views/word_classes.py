"""What the words of a text say of each class as a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from accord.alignment.base import TextView
from accord.alignment.words import WEIGHED, by_language, weigh_words
from accord.core.checks import check_at_least, check_choice

__all__ = ["WordClasses", "word_class_table"]


def word_class_table(weights: Any, targets: Bool[np.ndarray, "n classes"]) -> Float[np.ndarray, "words classes"]:
    r"""How each word goes with each class, in deviations from what is usual for the class.

    .. math:: S_{wc} = z_c \Bigl( \frac{\sum_d x_{dw}\, y_{dc}}{\sum_d x_{dw}} \Bigr)

    with tf-idf weights x, classes y, and z the standard score over the words.

    Also known as: word-class embeddings, WCE.

    Reference: Moreo, Esuli & Sebastiani (2021), Word-class embeddings for multiclass text classification,
    arXiv:1911.11506, section 3.

    Differs from the paper: the columns are not reduced, so that they remain the classes in every language.

    Args:
        weights: x, (n, words), dense or sparse, not negative.
        targets: y.

    Returns:
        A row for each word.

    >>> word_class_table(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[True, False], [False, True]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    mass = np.asarray(weights.sum(axis=0), dtype=np.float64).reshape(-1, 1)
    together = np.asarray(weights.T @ targets.astype(np.float64))
    shares = np.divide(together, mass, out=np.zeros_like(together), where=mass > 0)
    spread = shares.std(axis=0)
    return np.divide(shares - shares.mean(axis=0), spread, out=np.zeros_like(shares), where=spread > 1e-12)


class WordClasses(TextView):
    r"""The tf-idf weighted sum of :func:`word_class_table` over a text's words, less its most common directions.

    Reference: Moreo, Esuli & Sebastiani (2021), arXiv:1911.11506; the word-class view of arXiv:2110.14764.

    Differs from the paper: the first direction stays unless it is asked to go, as it is most of a few classes.

    Args:
        analyzer: "word" or "char".
        ngram: longest run of words or characters.
        removed: leading directions of the training texts that are taken out, where there are more classes than that;
            1, as in the paper, for dozens of classes, and none for few.

    Raises:
        InputError: an unknown analyzer, or a number out of range.
    """

    def __init__(self, *, analyzer: str = "word", ngram: int = 1, removed: int = 0) -> None:
        check_choice("analyzer", analyzer, WEIGHED)
        check_at_least("ngram", ngram, 1)
        check_at_least("removed", removed, 0)
        self.analyzer = analyzer
        self.ngram = ngram
        self.removed = removed

    def fit(self, texts: Sequence[str], targets: Bool[np.ndarray, "n classes"], languages: Sequence[str]) -> _Fitted:
        """A table of words for each language."""
        tables = {}
        for language, rows in by_language(languages).items():
            weigher, words = weigh_words([texts[row] for row in rows], self.analyzer, self.ngram, language)
            table = word_class_table(words, targets[rows])
            tables[language] = _Table(weigher, table, _leading(words @ table, self.removed))
        return _Fitted(tables, targets.shape[1])


@dataclass(frozen=True)
class _Table:
    """Words of one language."""

    weigher: Any
    table: np.ndarray
    common: np.ndarray

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        found = np.asarray(self.weigher.transform(texts) @ self.table)
        return found - found @ self.common @ self.common.T


def _leading(vectors: np.ndarray, count: int) -> np.ndarray:
    """(dim, count) leading directions."""
    dim = vectors.shape[1]
    _, directions = np.linalg.eigh(np.asarray(vectors.T @ vectors))
    return directions[:, dim - count :] if 0 < count < dim else np.zeros((dim, 0))


class _Fitted:
    """Tables by language."""

    def __init__(self, tables: Mapping[str, _Table], classes: int) -> None:
        self.tables = tables
        self.classes = classes

    def transform(self, texts: Sequence[str], languages: Sequence[str]) -> Float[np.ndarray, "n classes"]:
        """Vectors; NaN for a language without a table."""
        found = np.full((len(texts), self.classes), np.nan)
        for language, rows in by_language(languages).items():
            if language in self.tables:
                found[rows] = self.tables[language].vectors([texts[row] for row in rows])
        return found
