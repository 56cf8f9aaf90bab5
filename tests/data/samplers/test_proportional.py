import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data.samplers import Proportional


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=6), st.integers(1, 400), st.integers(0, 5))
def test_counts_are_within_one_of_the_share(sizes, steps, seed):
    order = Proportional().schedule(sizes, [1.0] * len(sizes), steps, seed=seed)
    counts = np.bincount(order, minlength=len(sizes))
    assert order.dtype == np.int64 and len(order) == steps
    assert (np.abs(counts - np.array(sizes) / sum(sizes) * steps) < 1).all()


def test_weights_multiply_the_share():
    counts = np.bincount(Proportional().schedule([100, 100], [3, 1], 40, seed=0))
    assert counts.tolist() == [30, 10]


def test_the_seed_changes_the_order_and_not_the_counts():
    first, again, other = (Proportional().schedule([5, 5, 5], [1, 1, 1], 60, seed=s) for s in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()
    assert sorted(first) == sorted(other)


def test_the_order_is_mixed():
    order = Proportional().schedule([50, 50], [1, 1], 100, seed=0)
    assert 30 < np.count_nonzero(np.diff(order)) < 70  # about one change in two steps


def test_refuses_an_empty_task():
    with pytest.raises(InputError, match="sizes"):
        Proportional().schedule([0, 3], [1, 1], 4, seed=0)
