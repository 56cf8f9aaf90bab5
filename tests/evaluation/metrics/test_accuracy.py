import numpy as np

from accord.evaluation.metrics import Accuracy


def test_one_value_an_example():
    assert Accuracy()(np.array([2, 1, 0]), np.array([2, 0, 0])).tolist() == [1.0, 0.0, 1.0]
