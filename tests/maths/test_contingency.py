import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from accord.maths.contingency import class_f1, contingency, matched, v_measure

CODINGS = st.integers(1, 40).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 2))


@given(CODINGS)
def test_v_measure_equals_scikit_learn(pair):
    truth, cluster = map(np.array, pair)
    assert v_measure(truth, cluster) == pytest.approx(sklearn.metrics.v_measure_score(truth, cluster), abs=1e-9)


@given(CODINGS)
def test_matching_renames_and_never_splits(pair):
    truth, cluster = map(np.array, pair)
    named = matched(truth, cluster)
    assert len(set(zip(cluster.tolist(), named.tolist()))) == len(set(cluster.tolist())) == len(set(named.tolist()))
    assert (named == truth).sum() >= (cluster == truth).sum()  # the best names agree at least as often as the old ones
    assert v_measure(truth, named) == pytest.approx(v_measure(truth, cluster), abs=1e-12)


def test_counts():
    table = contingency(np.array([0, 1, 1, 3]), np.array([2, 0, 0, 1]))
    assert table.tolist() == [[0, 0, 1], [2, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_f1_of_a_class_that_is_only_predicted_is_zero():
    scores, support = class_f1(np.array([0, 0]), np.array([0, 5]))
    assert support.tolist() == [2, 0]
    assert scores.tolist() == pytest.approx([2 / 3, 0.0])
