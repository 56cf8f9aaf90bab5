"""One machine a class, and folds that spread what belongs together."""

import logging

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from accord.alignment.per_class import PerClass, fit_quietly, fold_numbers


def test_rare_classes_are_constants_and_others_learn():
    generator = np.random.default_rng(0)
    rows, targets = generator.normal(size=(40, 3)), np.zeros((40, 3), dtype=bool)
    targets[:, 0], targets[0, 1] = rows[:, 0] > 0, True
    found = PerClass(strength=1.0, folds=4).fit(rows, targets).probabilities(rows)
    assert ((found[:, 0] > 0.5) == targets[:, 0]).mean() > 0.95
    assert np.unique(found[:, 1]).tolist() == [1 / 40]
    assert not found[:, 2].any()


def test_folds_are_even_within_each_key_and_over_all():
    keys = ["a"] * 10 + ["b"] * 5 + ["c"] * 5
    numbers = fold_numbers(keys, 5, np.random.default_rng(3))
    assert np.bincount(numbers).tolist() == [4] * 5
    for part, each in ((numbers[:10], 2), (numbers[10:15], 1), (numbers[15:], 1)):
        assert np.bincount(part, minlength=5).tolist() == [each] * 5


def test_what_does_not_converge_is_logged_and_still_fitted(caplog):
    class Slow:
        def fit(self, rows, wanted):
            import warnings

            warnings.warn("not yet", ConvergenceWarning, stacklevel=2)
            return self

    with caplog.at_level(logging.WARNING):
        assert isinstance(fit_quietly(Slow(), None, None), Slow)
    assert "not yet" in caplog.text
