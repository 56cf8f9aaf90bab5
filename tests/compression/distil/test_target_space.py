"""Axes, turns and joined vectors: what each keeps, against plain decompositions."""

import numpy as np
import pytest

from accord.compression.distil.target_space import joined_vectors, principal_axes, turn
from accord.core.errors import InputError


def made(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_axes_are_the_leading_right_singular_vectors_without_centring():
    x = made(60, 5) * [5, 3, 1, 0.5, 0.1] + 2
    axes = principal_axes(x, 3)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    v = np.linalg.svd(x)[2][:3].T
    np.testing.assert_allclose(np.abs((v * axes).sum(0)), 1.0)
    kept = np.linalg.norm(x @ axes @ axes.T @ x.T - x @ x.T)
    for seed in range(5):
        other = np.linalg.qr(made(5, 3, seed=seed))[0]
        assert np.linalg.norm(x @ other @ other.T @ x.T - x @ x.T) >= kept


def test_axes_of_many_rows_are_found_in_blocks():
    x = made(9000, 3)
    v = np.linalg.svd(x, full_matrices=False)[2][:2].T
    np.testing.assert_allclose(np.abs((v * principal_axes(x, 2)).sum(0)), 1.0)


@pytest.mark.parametrize("rank", [0, 4])
def test_a_rank_that_is_not_there_is_refused(rank):
    with pytest.raises(InputError, match="rank"):
        principal_axes(made(5, 3), rank)


@pytest.mark.parametrize("dims", [(4, 4), (3, 5)])
def test_a_turn_keeps_products_and_finds_back_what_was_turned(dims):
    inner, outer = dims
    x = made(30, inner)
    hidden = np.linalg.qr(made(outer, outer, seed=1))[0][:inner]
    found = turn(x, 2.5 * x @ hidden)
    np.testing.assert_allclose(found, hidden, atol=1e-10)
    y = made(30, outer, seed=2)
    np.testing.assert_allclose((x @ turn(x, y)) @ (x @ turn(x, y)).T, x @ x.T, atol=1e-10)
    assert np.linalg.norm(x @ turn(x, y) - y) <= np.linalg.norm(x @ hidden - y) + 1e-12


def test_a_turn_into_too_few_dimensions_is_refused():
    with pytest.raises(InputError, match="dimensions enough"):
        turn(made(5, 3), made(5, 2))


def test_joined_vectors_have_the_weighted_mean_of_cosines():
    one, two = made(7, 3), made(7, 5, seed=1)
    weights = [3.0, 1.0]
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (one, two)]
    expected = 0.75 * unit[0] @ unit[0].T + 0.25 * unit[1] @ unit[1].T
    found = joined_vectors([one, two], weights)
    assert found.shape == (7, 8)
    np.testing.assert_allclose(found @ found.T, expected, atol=1e-6)
    assert joined_vectors([one, two], [1.0, 0.0]).shape == (7, 3)
    for wrong in ([0.0, 0.0], [1.0], [2.0, -1.0]):
        with pytest.raises(InputError, match="weights"):
            joined_vectors([one, two], wrong)
