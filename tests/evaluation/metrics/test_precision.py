from pytest import approx

from accord.evaluation.metrics import Precision


def test_divides_by_the_cut_even_past_the_last_document(judged):
    assert [float(Precision(k)(judged)[0]) for k in (1, 3, 100)] == approx([1, 2 / 3, 0.02])
