import numpy as np
import pytest

from accord.evaluation.metrics import BestF1
from accord.evaluation.named import metric

LABEL, SIMILARITY = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.2, 0.1])


def test_value_and_name():
    expected = {"average_precision": (1 + 2 / 3) / 2, "best_f1": 0.8, "best_accuracy": 0.75}["best_f1"]
    assert BestF1()(LABEL, SIMILARITY) == pytest.approx(expected)
    assert metric("best_f1") == BestF1()


def test_ranks_may_be_traded_for_scores():
    traded = BestF1().tradable(LABEL, SIMILARITY)
    assert traded["similarity"].tolist() == [4.0, 3.0, 2.0, 1.0]
    assert BestF1()(**traded) == BestF1()(LABEL, SIMILARITY)
