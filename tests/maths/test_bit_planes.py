"""Planes of signs: bit by bit beside a plain loop, and the nearest sum of signs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.maths.bit_planes import pack_signs, plane_bytes, plane_codes, plane_levels, split_planes, unpack_signs


@given(st.integers(0, 9999), st.integers(1, 40))
def test_bits_lie_where_a_plain_loop_puts_them(seed: int, dim: int) -> None:
    values = np.random.default_rng(seed).normal(size=(3, dim))
    plain = np.zeros((3, plane_bytes(dim)), dtype=np.uint8)
    for row, numbers in enumerate(values):
        for d, number in enumerate(numbers):
            plain[row, d // 8] |= (number > 0) << (d % 8)
    np.testing.assert_array_equal(pack_signs(values), plain)
    np.testing.assert_array_equal(unpack_signs(plain, dim), np.where(values > 0, 1, -1))


@given(st.integers(0, 9999), st.integers(1, 20), st.integers(1, 8))
def test_levels_are_the_nearest_sums_of_signs(seed: int, dim: int, planes: int) -> None:
    values = np.random.default_rng(seed).normal(size=(4, dim)).astype(np.float32)
    levels = np.arange(-(2**planes) + 1, 2**planes, 2) * 2.0 ** (1 - planes)
    found = plane_levels(plane_codes(values, planes), dim, planes)
    assert np.isin(found, levels.astype(np.float32)).all()
    nearest = np.abs(values[:, :, None] - levels).min(axis=2)
    np.testing.assert_allclose(np.abs(values - found), nearest, atol=1e-6)


def test_one_plane_is_the_signs() -> None:
    values = np.array([[0.3, -2.0, 5.0]])
    np.testing.assert_array_equal(unpack_signs(plane_codes(values, 1), 3), [[1, -1, 1]])


@pytest.mark.parametrize("planes", [0, 9, 1.0, True])
def test_planes_out_of_range_are_refused(planes: int) -> None:
    with pytest.raises(InputError, match="from 1 to 8"):
        plane_codes(np.zeros((1, 8)), planes)


def test_codes_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(n, 4\) for 2 planes of 10 bits"):
        split_planes(np.zeros((1, 3), dtype=np.uint8), 10, 2)
