import numpy as np
import pytest

from accord.core.errors import InputError
from accord.evaluation.judged import Judged, judge, judged_ranking
from accord.evaluation.metrics import MRR, Recall, nDCG


def test_ties_follow_identifiers_descending_and_float32():
    run = {"q": {"a": 0.5, "b": 0.5 + 1e-12, "c": 0.5, "d": -1.0}}
    assert judge({"q": {"c": 3, "b": 2, "a": 1}}, run).gains.tolist() == [[3.0, 2.0, 1.0, 0.0]]


def test_minus_zero_ties_with_zero():
    assert judge({"q": {"b": 1}}, {"q": {"a": 0.0, "b": -0.0}}).gains.tolist() == [[1.0, 0.0]]


def test_a_missing_query_counts_zero_and_an_unjudged_one_not_at_all():
    judged = judge({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"a": 1.0}, "q3": {"a": 1.0}})
    assert nDCG(10)(judged).tolist() == [1.0, 0.0]
    assert MRR(10)(judged).tolist() == [1.0, 0.0]


def test_numbers_and_names_give_the_same():
    relevance = [{0: 1.0, 2: 2.0}, {1: 1.0}]
    by_number = judged_ranking(np.array([[2, 1], [-1, -1]]), relevance, depth=3)
    by_name = judge({"p": {"0": 1, "2": 2}, "q": {"1": 1}}, {"p": {"2": 9.0, "1": 8.0}}, depth=3)
    for name in ("gains", "ideal", "relevant", "hits"):
        assert np.array_equal(getattr(by_number, name), getattr(by_name, name))


def test_grades_below_zero_gain_nothing():
    judged = judge({"q": {"a": -2, "b": 1}}, {"q": {"a": 2.0, "b": 1.0}})
    assert judged.gains.tolist() == [[0.0, 1.0]]
    assert Recall(2)(judged).tolist() == [1.0]


def test_bad_runs_and_shapes_are_refused():
    with pytest.raises(InputError, match="NaN"):
        judge({"q": {"a": 1}}, {"q": {"a": float("nan")}})
    with pytest.raises(InputError, match="depth"):
        Judged(np.zeros((1, 2)), np.zeros((1, 3)), np.zeros(1))
    with pytest.raises(InputError, match="row for each"):
        judged_ranking(np.zeros((1, 2), int), [{}, {}], depth=2)
