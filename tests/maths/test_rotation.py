"""Random rotations: orthonormal, drawn from all directions alike, and a function of the seed."""

from __future__ import annotations

import numpy as np
import pytest

from accord.maths.rotation import random_rotation


@pytest.mark.parametrize("width", [3, 8, 16, 21])
def test_columns_have_length_one_and_stand_at_right_angles_within_a_set(width: int) -> None:
    turn = random_rotation(8, width, seed=1)
    assert turn.shape == (8, width)
    assert turn.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(turn, axis=0), 1.0, atol=1e-6)
    first = turn[:, : min(8, width)]
    np.testing.assert_allclose(first.T @ first, np.eye(first.shape[1]), atol=1e-6)


def test_is_a_function_of_the_seed() -> None:
    np.testing.assert_array_equal(random_rotation(6, 6, seed=1), random_rotation(6, 6, seed=1))
    assert np.abs(random_rotation(6, 6, seed=1) - random_rotation(6, 6, seed=2)).max() > 0.1


def test_all_directions_are_alike() -> None:
    firsts = np.array([random_rotation(3, 3, seed=seed)[:, 0] for seed in range(300)])
    assert np.abs(firsts.mean(axis=0)).max() < 0.15
    np.testing.assert_allclose(firsts.T @ firsts / 300, np.eye(3) / 3, atol=0.07)
