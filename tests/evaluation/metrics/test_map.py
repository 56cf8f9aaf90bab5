from pytest import approx

from accord.evaluation.metrics import MAP


def test_divides_by_all_relevant_documents(judged):
    assert [float(MAP(k)(judged)[0]) for k in (1, 3, 100)] == approx([1 / 3, (1 + 2 / 3) / 3, (1 + 2 / 3) / 3])
