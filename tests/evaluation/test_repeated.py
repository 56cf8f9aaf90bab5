import numpy as np
import pytest

from accord.evaluation.metrics import MacroF1, VMeasure
from accord.evaluation.named import metric
from accord.evaluation.repeated import Repeated

TRUTH = np.array([0, 0, 1, 1])


def test_mean_of_the_experiments_by_name():
    made = metric("mean_macro_f1")
    assert made == Repeated(MacroF1())
    columns = {"predicted_0": TRUTH, "predicted_1": np.array([0, 1, 1, 1])}
    assert made(TRUTH, **columns) == pytest.approx((1 + MacroF1()(TRUTH, columns["predicted_1"])) / 2)


def test_each_column_is_made_tradable():
    traded = Repeated(VMeasure()).tradable(TRUTH, cluster_0=TRUTH + 5, cluster_1=1 - TRUTH)
    assert {name: column.tolist() for name, column in traded.items()} == dict.fromkeys(
        ("truth", "cluster_0", "cluster_1"), TRUTH.tolist()
    )
