"""Token batches hold every row once, within the budget, like lengths together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.maths.packing import token_batches


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
