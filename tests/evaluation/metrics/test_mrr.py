from accord.evaluation.judged import judge
from accord.evaluation.metrics import MRR


def test_golden_values(judged):
    assert MRR(10)(judged).tolist() == [1.0, 0.0]


def test_the_cut_hides_what_comes_later():
    late = judge({"q": {"c": 1}}, {"q": {"a": 3.0, "b": 2.0, "c": 1.0}})
    assert [float(MRR(k)(late)[0]) for k in (2, 3, 10)] == [0.0, 1 / 3, 1 / 3]


def test_negative_scores_are_ranked_like_any_others():
    assert MRR(10)(judge({"q": {"a": 1}}, {"q": {"a": -0.1, "b": -0.2, "c": -0.3}})).tolist() == [1.0]
