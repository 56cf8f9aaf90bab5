"""Calibrated class probabilities of a first classifier as a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from accord.alignment.base import TextView
from accord.alignment.per_class import PerClass
from accord.alignment.words import WEIGHED, by_language, weigh_words
from accord.core.checks import check_at_least, check_choice, check_positive

__all__ = ["Posteriors"]


class Posteriors(TextView):
    r"""The probabilities :math:`p(c \mid x)` of each class c by a classifier of the text's language.

    Words are weighed by tf-idf, a linear support vector machine a class judges them, and its scores are calibrated by
    cross-validation. The dimensions are the classes, so they mean the same in every language.

    Also known as: first-tier classifier, stacking.

    Reference: Esuli, Moreo & Sebastiani (2019), Funnelling, ACM TOIS 37(3) 37; the posterior view of arXiv:2110.14764.

    Args:
        analyzer: "word", or "char" for runs of characters within words, which suits languages without spaces.
        ngram: longest run of words or characters.
        strength: inverse weight of the L2 penalty.
        folds: of the calibration.

    Raises:
        InputError: an unknown analyzer, or a number out of range.
    """

    posteriors: ClassVar[bool] = True

    def __init__(self, *, analyzer: str = "word", ngram: int = 1, strength: float = 1.0, folds: int = 5) -> None:
        check_choice("analyzer", analyzer, WEIGHED)
        check_at_least("ngram", ngram, 1)
        check_positive("strength", strength)
        check_at_least("folds", folds, 2)
        self.analyzer = analyzer
        self.ngram = ngram
        self.strength = strength
        self.folds = folds

    def fit(self, texts: Sequence[str], targets: Bool[np.ndarray, "n classes"], languages: Sequence[str]) -> _Fitted:
        """A classifier for each language."""
        models = {}
        for language, rows in by_language(languages).items():
            weigher, words = weigh_words([texts[row] for row in rows], self.analyzer, self.ngram, language)
            models[language] = (weigher, PerClass(strength=self.strength, folds=self.folds).fit(words, targets[rows]))
        return _Fitted(models, targets.shape[1])


class _Fitted:
    """Classifiers by language."""

    def __init__(self, models: Mapping[str, tuple[Any, PerClass]], classes: int) -> None:
        self.models = models
        self.classes = classes

    def transform(self, texts: Sequence[str], languages: Sequence[str]) -> Float[np.ndarray, "n classes"]:
        """Probabilities; NaN for a language without a classifier."""
        found = np.full((len(texts), self.classes), np.nan)
        for language, rows in by_language(languages).items():
            if language in self.models:
                weigher, model = self.models[language]
                found[rows] = model.probabilities(weigher.transform([texts[row] for row in rows]))
        return found
