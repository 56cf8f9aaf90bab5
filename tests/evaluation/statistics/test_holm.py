import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.evaluation.statistics.holm import holm

PS = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=8)


@given(PS)
def test_equal_to_the_definition(ps):
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    worst, wanted = 0.0, [0.0] * len(ps)
    for step, i in enumerate(order):
        worst = max(worst, min(1.0, (len(ps) - step) * ps[i]))
        wanted[i] = worst
    assert holm(ps) == pytest.approx(wanted)


@given(PS)
def test_between_no_correction_and_bonferroni(ps):
    for p, adjusted in zip(ps, holm(ps)):
        assert p <= adjusted <= min(1.0, len(ps) * p) + 1e-12


@given(PS, st.randoms())
def test_order_does_not_matter(ps, random):
    shuffled = list(ps)
    random.shuffle(shuffled)
    assert sorted(holm(ps)) == pytest.approx(sorted(holm(shuffled)))


def test_no_question_and_no_probability():
    assert holm([]) == []
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        holm([0.1, float("nan")])
