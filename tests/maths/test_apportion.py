from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.maths.apportion import apportion, task_shares


def plain(shares: list[int], total: int) -> list[int]:
    """The method by exact fractions, one seat at a time."""
    exact = [Fraction(s * total, sum(shares)) for s in shares]
    quotas = [int(x) for x in exact]
    for _ in range(total - sum(quotas)):
        rests = [x - q for x, q in zip(exact, quotas)]
        quotas[rests.index(max(rests))] += 1
    return quotas


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any), st.integers(0, 300))
def test_equals_exact_fractions(shares, total):
    assert apportion(shares, total).tolist() == plain(shares, total)


def test_a_fraction_that_binary_cannot_hold_is_not_rounded_down():
    assert apportion([0.8, 0.05, 0.15], 20).tolist() == [16, 1, 3]


@pytest.mark.parametrize("shares", [[], [0, 0], [1, -1], [1, float("nan")]])
def test_no_shares(shares):
    with pytest.raises(InputError, match="shares"):
        apportion(shares, 3)


def test_task_shares_between_equal_and_proportional():
    assert task_shares([900, 100], [1, 1], power=1.0).tolist() == pytest.approx([0.9, 0.1])
    assert task_shares([900, 100], [1, 1], power=0.0).tolist() == [0.5, 0.5]
    assert task_shares([900, 100], [1, 3], power=0.5).tolist() == pytest.approx([0.5, 0.5])
    assert np.isclose(task_shares([7, 8, 9], [1, 0, 2], power=0.3).sum(), 1)


@pytest.mark.parametrize(
    ("sizes", "weights", "match"),
    [([], [], "task"), ([1], [1, 2], "weights"), ([0], [1], "sizes"), ([1], [0], "weights"), ([1], [-1], "weights")],
)
def test_task_shares_refuses(sizes, weights, match):
    with pytest.raises(InputError, match=match):
        task_shares(sizes, weights, power=1.0)
