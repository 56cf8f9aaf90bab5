"""Bytes over each dimension's range: error, clipping and a range that is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.compression.codecs import Int8
from accord.compression.codecs.int8 import int8_codes, int8_ranges, int8_vectors
from accord.core.errors import InputError


@given(st.integers(0, 10_000), st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_error_is_at_most_half_a_step_within_the_range(seed: int, spread: float, shift: float) -> None:
    rows = (np.random.default_rng(seed).normal(size=(50, 5)) * spread + shift).astype(np.float32)
    middle, step = int8_ranges(rows, tail=0.0)
    error = np.abs(int8_vectors(int8_codes(rows, middle, step), middle, step) - rows)
    assert (error <= 0.501 * step + 1e-5 * np.abs(rows)).all()


def test_what_lies_beyond_the_range_becomes_the_outermost_level() -> None:
    codec = Int8(tail=0.0).fit(np.array([[-1.0, 0.0], [1.0, 2.0]]), similarity="dot")
    np.testing.assert_allclose(codec.decode(codec.encode(np.array([[9.0, -9.0]]))), [[1.0, 0.0]], atol=1e-6)


def test_a_constant_dimension_is_kept() -> None:
    rows = np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]])
    codec = Int8().fit(rows, similarity="dot")
    np.testing.assert_allclose(codec.decode(codec.encode(rows))[:, 1], 7.0)


def test_tail_widens_steps_less(rng: np.random.Generator) -> None:
    rows = np.concatenate([rng.normal(size=(1000, 3)), np.full((1, 3), 1000.0)])
    assert (int8_ranges(rows, tail=0.01)[1] < 0.05).all()
    assert (int8_ranges(rows, tail=0.0)[1] > 3).all()


@pytest.mark.parametrize("tail", [-0.1, 0.5, 1.5])
def test_a_tail_that_leaves_no_range_is_refused(tail: float) -> None:
    with pytest.raises(InputError, match="`tail` must"):
        Int8(tail=tail)
