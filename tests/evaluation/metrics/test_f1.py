import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from accord.evaluation.metrics import MacroF1, WeightedF1

CODINGS = st.integers(1, 30).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 2))


@given(CODINGS)
@pytest.mark.parametrize(("ours", "average"), [(MacroF1(), "macro"), (WeightedF1(), "weighted")])
def test_equal_to_scikit_learn(ours, average, pair):
    truth, predicted = map(np.array, pair)
    assert ours(truth, predicted) == pytest.approx(
        sklearn.metrics.f1_score(truth, predicted, average=average, zero_division=0), abs=1e-12
    )


@pytest.mark.parametrize("ours", [MacroF1(), WeightedF1()])
def test_perfect_and_hopeless(ours):
    truth = np.array([0, 1, 1, 2])
    assert ours(truth, truth) == 1.0
    assert ours(truth, (truth + 1) % 3 + 3) == 0.0
    assert ours(**ours.tradable(truth, truth)) == 1.0
