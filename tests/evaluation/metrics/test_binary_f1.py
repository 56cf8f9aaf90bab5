import numpy as np
import pytest
import sklearn.metrics

from accord.evaluation.metrics import BinaryF1
from accord.evaluation.named import metric


def test_equal_to_sklearn_and_zero_without_positives():
    draw = np.random.default_rng(0)
    truth, predicted = draw.integers(0, 2, (2, 50))
    assert BinaryF1()(truth, predicted) == pytest.approx(sklearn.metrics.f1_score(truth, predicted))
    assert BinaryF1()(np.zeros(3), np.zeros(3)) == 0.0
    assert metric("binary_f1") == BinaryF1()
