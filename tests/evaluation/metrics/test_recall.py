from pytest import approx

from accord.evaluation.metrics import Recall


def test_golden_values(judged):
    assert [Recall(k)(judged).tolist() for k in (1, 3, 100)] == [
        approx([1 / 3, 0]),
        approx([2 / 3, 0]),
        approx([2 / 3, 0]),
    ]
