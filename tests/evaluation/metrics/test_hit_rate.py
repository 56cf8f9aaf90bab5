from accord.evaluation.judged import judge
from accord.evaluation.metrics import HitRate


def test_golden_values(judged):
    assert HitRate(1)(judged).tolist() == [1.0, 0.0]


def test_a_hit_below_the_cut_is_none():
    late = judge({"q": {"b": 1}}, {"q": {"a": 2.0, "b": 1.0}})
    assert [float(HitRate(k)(late)[0]) for k in (1, 2)] == [0.0, 1.0]
