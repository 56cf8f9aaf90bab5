"""Whitening makes a cloud white, whichever way, and stays where it can."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.maths.whitening import whitening


@pytest.fixture
def cloud():
    generator = np.random.default_rng(3)
    return generator.normal(size=(400, 6)) @ generator.normal(size=(6, 6)) + generator.normal(size=6)


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_cloud_is_white_afterwards(cloud, symmetric):
    white = whitening(cloud, symmetric=symmetric)(cloud)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.cov(white.T), np.eye(6), atol=1e-9)


def test_the_symmetric_map_is_symmetric_and_the_nearest(cloud):
    near, turned = whitening(cloud, symmetric=True), whitening(cloud)
    np.testing.assert_allclose(near.matrix, near.matrix.T, atol=1e-12)
    centred = cloud - cloud.mean(axis=0)
    assert np.linalg.norm(near(cloud) - centred) <= np.linalg.norm(turned(cloud) - centred)


def test_fewer_dimensions_are_the_first_of_all(cloud):
    np.testing.assert_allclose(whitening(cloud, dim=2)(cloud), whitening(cloud)(cloud)[:, :2])


def test_distances_after_both_ways_agree(cloud):
    near, turned = (whitening(cloud, symmetric=s)(cloud[:20]) for s in (True, False))
    np.testing.assert_allclose(near @ near.T, turned @ turned.T, atol=1e-9)


def test_a_flat_direction_maps_to_zero_and_shrinkage_keeps_it(cloud):
    flat = np.column_stack([cloud, cloud[:, 0]])
    assert np.isfinite(whitening(flat).matrix).all()
    assert np.linalg.matrix_rank(whitening(flat)(flat), tol=1e-6) == 6
    full = whitening(cloud, shrinkage=1.0)
    np.testing.assert_allclose(full.matrix.T @ full.matrix, np.eye(6) / np.trace(np.cov(cloud.T)) * 6, atol=1e-9)


def test_bad_input_is_named(cloud):
    with pytest.raises(InputError, match="n at least 2"):
        whitening(cloud[:1])
    with pytest.raises(InputError, match="`dim` chooses principal axes"):
        whitening(cloud, dim=2, symmetric=True)
