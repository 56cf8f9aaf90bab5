import numpy as np
import pytest
import sklearn.metrics

from accord.core.errors import InputError
from accord.maths.thresholds import average_precision, best_inner, best_threshold, cuts


@pytest.fixture
def scored():
    draw = np.random.default_rng(0)
    label = draw.integers(0, 2, 200)
    return label, np.round(label + draw.normal(size=200), 1)  # many ties


def test_average_precision_equals_sklearns(scored):
    assert average_precision(*scored) == pytest.approx(sklearn.metrics.average_precision_score(*scored), abs=1e-12)


def test_cuts_equal_plain_counting(scored):
    label, score = scored
    found = cuts(label, score)
    for threshold, true, called, f1, accuracy in zip(
        found.threshold, found.true, found.called, found.value("f1"), found.value("accuracy")
    ):
        predicted = score > threshold
        assert (true, called) == ((predicted & (label == 1)).sum(), predicted.sum())
        assert accuracy == pytest.approx((predicted == label).mean())
        assert f1 == pytest.approx(sklearn.metrics.f1_score(label, predicted, zero_division=0))


@pytest.mark.parametrize("measure", ["f1", "accuracy"])
def test_the_best_threshold_reaches_the_best_value(scored, measure):
    label, score = scored
    predicted = score > best_threshold(label, score, measure)
    reached = (predicted == label).mean() if measure == "accuracy" else sklearn.metrics.f1_score(label, predicted)
    assert reached == pytest.approx(cuts(label, score).value(measure).max())
    assert best_inner(label, score, measure) <= reached + 1e-12


def test_rising_changes_change_nothing(scored):
    label, score = scored
    bent = np.exp(score / 3)
    assert average_precision(label, bent) == average_precision(label, score)
    assert best_inner(label, bent, "f1") == best_inner(label, score, "f1")


def test_equal_scores_are_never_parted():
    label, score = np.array([1, 0, 1, 0]), np.zeros(4)
    assert average_precision(label, score) == 0.5
    assert best_inner(label, score, "accuracy") == 0.0
    assert best_threshold(label, score, "f1") == -np.inf
    assert average_precision(np.zeros(3, int), np.arange(3)) == 0.0


def test_unknown_measures_are_refused(scored):
    with pytest.raises(InputError, match="f1, accuracy"):
        best_threshold(*scored, "auc")
