"""Random numbers by place: a function of words and element numbers, of no other thing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.maths.element_random import element_bits, element_uniforms


@given(first=st.integers(0, 50), count=st.integers(0, 30))
def test_any_piece_is_a_piece_of_the_whole(first, count):
    whole = element_bits([3, "layer.1"], 0, 100)
    np.testing.assert_array_equal(element_bits([3, "layer.1"], first, count), whole[first : first + count])


def test_far_elements_are_reached_at_once():
    far = element_bits([0], 10**15, 4)
    np.testing.assert_array_equal(far[1:], element_bits([0], 10**15 + 1, 3))


@pytest.mark.parametrize("other", [[1, 0, "w"], [0, 1, "w"], [0, 0, "v"], [0, "0w"]])
def test_other_words_give_other_numbers(other):
    assert (element_bits([0, 0, "w"], 0, 64) == element_bits(other, 0, 64)).sum() <= 1


def test_words_do_not_run_together():
    assert (element_bits(["ab", "c"], 0, 64) != element_bits(["a", "bc"], 0, 64)).any()


def test_numbers_are_recorded():
    """They are part of what a seed means; a change of them is a change of every seeded merge."""
    assert element_bits([0, 0, "encoder.weight"], 0, 3).tolist() == [2162206013, 2425003742, 595308462]


def test_uniforms_are_uniform():
    found = element_uniforms([5, "w"], 0, 200_000).numpy()
    assert found.min() >= 0
    assert found.max() < 1
    counts = np.histogram(found, bins=50, range=(0, 1))[0]
    assert ((counts - 4000) ** 2 / 4000).sum() < 100  # chi-squared, 49 degrees of freedom: p > 1e-5
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.01
