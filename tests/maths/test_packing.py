"""Token batches hold every row once, within the budget, like lengths together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.maths.packing import balance, token_batches


@given(st.lists(st.integers(1, 300), max_size=80), st.integers(1, 600))
def test_every_row_once_within_the_budget(lengths, budget):
    lengths = np.array(lengths, dtype=np.int64)
    batches = token_batches(lengths, budget)
    assert sorted(int(i) for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget
    longest = [lengths[batch].max() for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_a_budget_below_one_is_refused():
    with pytest.raises(InputError, match="budget"):
        token_batches(np.array([1]), 0)


@given(st.lists(st.integers(0, 1000), max_size=40), st.integers(1, 6))
def test_balance_hands_out_each_item_once_and_evenly(costs, parts):
    taken = balance(costs, parts)
    assert sorted(item for part in taken for item in part) == list(range(len(costs)))
    loads = [sum(costs[item] for item in part) for part in taken]
    assert max(loads) - min(loads) <= max(costs, default=0)


def test_balance_leaves_parts_empty_where_items_are_few():
    assert balance([3], 3) == [[0], [], []]
    with pytest.raises(InputError, match="`parts`"):
        balance([1], 0)
