"""The frontier against a plain double loop, and limits against what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from accord.core.errors import InputError
from accord.maths.pareto import nearest_limits, non_dominated, within_limits

TABLES = st.tuples(st.integers(0, 12), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-3, 3).map(float))
)


def plain_frontier(costs):
    """Row by row and column by column."""
    kept = []
    for i, row in enumerate(costs):
        beaten = False
        for j, other in enumerate(costs):
            nowhere_dearer = all(a <= b for a, b in zip(other, row))
            cheaper = any(a < b for a, b in zip(other, row))
            beaten |= nowhere_dearer and (cheaper or j < i)
        kept.append(not beaten)
    return kept


@given(TABLES)
def test_the_frontier_is_that_of_a_double_loop(costs):
    assert non_dominated(costs).tolist() == plain_frontier(costs.tolist())


@given(TABLES)
def test_everything_is_beaten_or_equalled_by_the_frontier(costs):
    front = costs[non_dominated(costs)]
    assert all(any(np.all(best <= row) for best in front) for row in costs)
    assert non_dominated(front).all()


@given(TABLES)
def test_stretching_a_cost_changes_nothing(costs):
    assert non_dominated(np.exp(costs) * 3 + 1).tolist() == non_dominated(costs).tolist()


@given(TABLES, st.integers(-3, 3))
def test_the_nearest_limit_is_the_least_that_lets_a_row_in(costs, limit):
    limits = np.full(costs.shape[1], float(limit))
    for column, nearest in enumerate(nearest_limits(costs, limits)):
        for tried in np.arange(-4.0, 5.0):
            changed = limits.copy()
            changed[column] = tried
            assert within_limits(costs, changed).any() == (tried >= nearest)


def test_no_limit_lets_all_in():
    assert within_limits(np.array([[1.0], [9.0]]), np.array([np.inf])).all()


@pytest.mark.parametrize("costs", [np.zeros(3), np.zeros((2, 0)), np.array([[1.0, np.nan]]), np.array([[np.inf]])])
def test_what_cannot_be_ordered_is_refused(costs):
    with pytest.raises(InputError, match="`costs`"):
        non_dominated(costs)


def test_limits_of_another_length_are_refused():
    with pytest.raises(InputError, match="one a column"):
        within_limits(np.zeros((2, 2)), np.zeros(3))
