import math

from pytest import approx

from accord.evaluation.judged import judge
from accord.evaluation.metrics import nDCG


def test_golden_value(judged):
    best = 3 + 2 / math.log2(3) + 1 / 2
    assert nDCG(3)(judged).tolist() == approx([(2 + 1 / 2) / best, 0.0])
    assert nDCG(1)(judged).tolist() == approx([2 / 3, 0.0])


def test_the_gain_is_linear():
    value = nDCG(2)(judge({"q": {"a": 3, "b": 1}}, {"q": {"a": 0.0, "b": 1.0}}))
    assert value.tolist() == approx([(1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))])
