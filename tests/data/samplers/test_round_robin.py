import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accord.data.samplers import RoundRobin


@given(st.integers(1, 6), st.integers(1, 100))
def test_equal_weights_take_strict_turns(tasks, steps):
    order = RoundRobin().schedule([9] * tasks, [2.0] * tasks, steps, seed=3)
    assert order.tolist() == [k % tasks for k in range(steps)]


def test_sizes_play_no_part():
    few, many = (RoundRobin().schedule(sizes, [1, 3], 20, seed=0) for sizes in ([1, 1], [5000, 2]))
    assert few.tolist() == many.tolist()


def test_unequal_weights_are_exact_and_spread():
    order = RoundRobin().schedule([1, 1, 1], [4, 2, 1], 70, seed=0)
    assert np.bincount(order).tolist() == [40, 20, 10]
    for start in range(0, 70, 14):  # two rounds of seven
        window = np.bincount(order[start : start + 14], minlength=3)
        assert (np.abs(window - [8, 4, 2]) <= 1).all()


def test_a_task_of_weight_zero_has_no_turn():
    assert set(RoundRobin().schedule([5, 5, 5], [1, 0, 1], 9, seed=0)) == {0, 2}
