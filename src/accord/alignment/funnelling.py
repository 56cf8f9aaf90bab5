"""Funnelling: several views of a text brought together by a second classifier."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from accord.alignment.base import FittedView, TextView
from accord.alignment.per_class import PerClass, fit_quietly, fold_numbers
from accord.core.checks import check_at_least, check_choice, check_positive
from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.core.spec import Described

__all__ = ["FittedFunnelling", "Funnelling"]

COMBINE = ("concatenate", "mean")
META = ("logistic", "svm")


class Funnelling(Described):
    r"""Classify texts of any language by a classifier over several views of them.

    Each view makes vectors that mean the same in all languages. They are brought to unit length and concatenated or
    averaged, and one second-tier classifier learns from the texts of all languages together; so it sees how classes go
    together, and languages with few texts gain from the others. Views that look at labels give the training texts
    vectors from fits that did not see them.

    Also known as: gFun; Funnelling (Fun), with :class:`~accord.alignment.views.Posteriors` alone; stacked
    generalisation.

    Reference: Moreo, Pedrotti & Sebastiani (2022), Generalized Funnelling, arXiv:2110.14764; Esuli, Moreo & Sebastiani
    (2019), Funnelling, ACM TOIS 37(3) 37, for the cross-validated training vectors.

    Differs from the paper: the second tier is logistic regression or a linear machine, not one with an RBF kernel; all
    learned views are cross-validated.

    Args:
        views: of :mod:`accord.alignment.views`, or your own :class:`~accord.alignment.TextView`.
        combine: "concatenate" the views; or their "mean", for which each becomes probabilities of the classes first,
            and a text of a language that some views do not know is judged by the others.
        meta: "logistic", or "svm" for calibrated linear support vector machines.
        strength: inverse weight of the second tier's L2 penalty.
        folds: of the cross-validation, fewer where a language has fewer texts.
        seed: of the folds.

    Raises:
        InputError: no view, an unknown word, a number out of range.

    >>> from accord.alignment.views import Posteriors
    >>> rest = ["a red one", "the small", "food for the", "a happy", "where is the", "this"]
    >>> texts = [f"{words} {animal}" for animal in ("cat", "dog") for words in rest]
    >>> model = Funnelling([Posteriors()], folds=3).fit(texts, ["cat"] * 6 + ["dog"] * 6)
    >>> model.predict(["my dog", "my cat"]).tolist()
    ['dog', 'cat']
    """

    def __init__(
        self,
        views: Sequence[TextView],
        *,
        combine: str = "concatenate",
        meta: str = "logistic",
        strength: float = 1.0,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        if not views:
            raise InputError("`views` must name at least one view. Got none.")
        for view in views:
            if not isinstance(view, TextView):
                raise InputError(
                    f"`views` must be of accord.alignment.views. Got {view!r}: wrap an encoder in Encoded."
                )
        check_choice("combine", combine, COMBINE)
        check_choice("meta", meta, META)
        check_positive("strength", strength)
        check_at_least("folds", folds, 2)
        self.views = views
        self.combine = combine
        self.meta = meta
        self.strength = strength
        self.folds = folds
        self.seed = seed

    def fit(
        self, texts: Sequence[str], labels: Sequence[Any], languages: Sequence[str] | None = None
    ) -> FittedFunnelling:
        """Learn from labelled texts.

        Args:
            texts: of one language or several.
            labels: a label each; or a list, tuple or set of labels each, which may be empty.
            languages: of each text; one language when not given.

        Returns:
            The classifier.

        Raises:
            InputError: lists of different lengths, fewer than two classes, a language with a single text.
        """
        classes, targets, multilabel = _targets(labels)
        spoken = _languages(texts, languages)
        if len(texts) != len(targets):
            raise InputError(f"`texts` and `labels` must go together. Got {len(texts)} and {len(targets)}.")
        folds = min(self.folds, *(spoken.count(name) for name in set(spoken)))
        if len(classes) < 2 or folds < 2:
            few = f"{len(classes)} class(es)" if len(classes) < 2 else "a language with a single text"
            raise InputError(f"Funnelling learns from two classes or more, and two texts of each language. Got {few}.")
        keys = [(name, row.tobytes()) for name, row in zip(spoken, targets)]
        numbers = fold_numbers(keys, folds, numpy_generator(self.seed, "funnelling"))
        fitted = [view.fit(texts, targets, spoken) for view in self.views]
        parts, casts = [], []
        for view, done in zip(self.views, fitted):
            rows = _out_of_fold(view, texts, targets, spoken, numbers) if view.learns else done.transform(texts, spoken)
            cast = None
            if self.combine == "mean" and not view.posteriors:
                rows = _unit(rows)
                cast = PerClass(strength=self.strength, folds=self.folds).fit(rows, targets)
                rows = _cross_validated(rows, targets, numbers, self.strength, self.folds)
            parts.append(rows)
            casts.append(cast)
        meta = self._meta(_combined(parts, self.combine, self.views), targets, multilabel)
        return FittedFunnelling(self, classes, multilabel, tuple(fitted), tuple(casts), meta)

    def _meta(self, rows: np.ndarray, targets: np.ndarray, multilabel: bool) -> Any:
        if self.meta == "svm" or multilabel:
            machine = PerClass if self.meta == "svm" else _PerClassLogistic
            return machine(strength=self.strength, folds=self.folds).fit(rows, targets)
        return _logistic(self.strength, rows, targets.argmax(axis=1))


@dataclass(frozen=True, repr=False)
class FittedFunnelling:
    """A classifier over views that has learned. It lives in memory; fit it again from its texts where it is needed.

    Its predictions are judged by the metrics of :mod:`accord.evaluation.metrics` like those of any classifier.

    Args:
        settings: that it was made with.
        classes: labels, in the order of the columns.
        multilabel: whether a text may have several labels or none.
        views: that have learned.
        casts: for a mean, what turns each view into probabilities; None for those that are.
        meta: the second tier.
    """

    settings: Funnelling
    classes: tuple[Hashable, ...]
    multilabel: bool
    views: tuple[FittedView, ...]
    casts: tuple[PerClass | None, ...]
    meta: Any

    def transform(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> Float[np.ndarray, "n dim"]:
        """What the second tier sees of texts.

        Raises:
            InputError: a language that no view, or with concatenated views not every view, knows.
        """
        spoken = _languages(texts, languages)
        parts = []
        for done, cast in zip(self.views, self.casts):
            rows = done.transform(texts, spoken)
            known = np.asarray(~np.isnan(rows).any(axis=1))
            if cast is not None:
                given, rows = _unit(rows[known]), np.full((len(rows), len(self.classes)), np.nan)
                rows[known] = cast.probabilities(given) if known.any() else 0.0
            elif self.settings.combine == "concatenate" and not known.all():
                unknown = sorted({name for name, here in zip(spoken, known.tolist()) if not here})
                raise InputError(
                    f"A view has seen no text of the language(s) {', '.join(unknown)}. Train on some, or set "
                    "`combine: mean` beside a view that serves every language."
                )
            parts.append(rows)
        return _combined(parts, self.settings.combine, self.settings.views)

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float[np.ndarray, "n classes"]:
        """The probability of each class; rows sum to 1 unless texts may have several labels."""
        if not len(texts):
            return np.zeros((0, len(self.classes)))
        found = self.meta.probabilities(self.transform(texts, languages))
        if self.multilabel:
            return found
        total = found.sum(axis=1, keepdims=True)
        return np.divide(found, total, out=np.full_like(found, 1 / len(self.classes)), where=total > 0)

    def predict(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> np.ndarray | list[list[Any]]:
        """The likeliest label of each text; with several labels, a list of those with a probability of at least 1/2."""
        found = self.predict_proba(texts, languages)
        if self.multilabel:
            return [[name for name, here in zip(self.classes, row) if here >= 0.5] for row in found.tolist()]
        names = np.empty(len(self.classes), dtype=object)
        names[:] = self.classes
        return names[found.argmax(axis=1)]


class _Logistic:
    """Multinomial logistic regression under the name that the second tier is asked by."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(rows)


def _logistic(strength: float, rows: np.ndarray, wanted: np.ndarray) -> _Logistic:
    from sklearn.linear_model import LogisticRegression

    return _Logistic(fit_quietly(LogisticRegression(C=strength, max_iter=1000), rows, wanted))


class _PerClassLogistic:
    """A logistic regression for each class; a class that all texts or none have is a constant."""

    def __init__(self, *, strength: float, folds: int) -> None:
        del folds
        self.strength = strength
        self.models: list[_Logistic | float] = []

    def fit(self, rows: np.ndarray, targets: np.ndarray) -> _PerClassLogistic:
        self.models = [
            float(wanted[0]) if wanted.all() or not wanted.any() else _logistic(self.strength, rows, wanted)
            for wanted in targets.T
        ]
        return self

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        columns = [
            np.full(len(rows), m) if not isinstance(m, _Logistic) else m.probabilities(rows)[:, 1] for m in self.models
        ]
        return np.column_stack(columns)


def _targets(labels: Sequence[Any]) -> tuple[tuple[Hashable, ...], Bool[np.ndarray, "n classes"], bool]:
    """Classes in order, which of them each row has, and whether a row may have several."""
    several = [isinstance(one, (list, tuple, set, frozenset)) for one in labels]
    if any(several) and not all(several):
        raise InputError("`labels` must be one label each, or a list of labels each. Got both.")
    given = [list(one) if many else [one] for one, many in zip(labels, several)]
    classes = tuple(sorted({label for row in given for label in row}, key=lambda label: (str(type(label)), label)))
    places = {label: n for n, label in enumerate(classes)}
    targets = np.zeros((len(given), len(classes)), dtype=bool)
    for row, own in enumerate(given):
        targets[row, [places[label] for label in own]] = True
    return classes, targets, any(several)


def _languages(texts: Sequence[str], languages: Sequence[str] | None) -> list[str]:
    found = [""] * len(texts) if languages is None else list(languages)
    if len(found) != len(texts):
        raise InputError(f"`languages` must name one for each of {len(texts)} texts. Got {len(found)}.")
    return found


def _out_of_fold(
    view: TextView, texts: Sequence[str], targets: np.ndarray, languages: Sequence[str], numbers: np.ndarray
) -> np.ndarray:
    """Vectors of each text by a fit on the other folds."""
    found: np.ndarray | None = None
    for number in np.unique(numbers):
        rest, here = (np.flatnonzero(part).tolist() for part in (numbers != number, numbers == number))
        done = view.fit([texts[row] for row in rest], targets[rest], [languages[row] for row in rest])
        rows = done.transform([texts[row] for row in here], [languages[row] for row in here])
        found = np.empty((len(texts), rows.shape[1])) if found is None else found
        found[here] = rows
    assert found is not None
    return found


def _cross_validated(
    rows: np.ndarray, targets: np.ndarray, numbers: np.ndarray, strength: float, folds: int
) -> np.ndarray:
    """Probabilities of each row by classifiers of the other folds."""
    found = np.empty(targets.shape)
    for number in np.unique(numbers):
        here = numbers == number
        model = PerClass(strength=strength, folds=folds).fit(rows[~here], targets[~here])
        found[here] = model.probabilities(rows[here])
    return found


def _combined(parts: Sequence[np.ndarray], combine: str, views: Sequence[TextView]) -> np.ndarray:
    """Views of unit length side by side, or the mean of those that know a text."""
    units = [_unit(part) for part in parts]
    if combine == "concatenate":
        return np.concatenate(units, axis=1)
    known = np.stack([~np.isnan(unit).any(axis=1) for unit in units])
    if not known.any(axis=0).all():
        names = ", ".join(type(view).__name__ for view in views)
        raise InputError(f"No view ({names}) knows the language of some texts. Add one that serves every language.")
    total = np.where(known[:, :, None], np.stack(units), 0.0).sum(axis=0)
    return total / known.sum(axis=0)[:, None]


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.array(rows, dtype=np.float64), where=lengths > 0)
