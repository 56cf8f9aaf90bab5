"""Means over pairs of batches, against plain loops."""

import numpy as np

from accord.maths.batch_pairs import apart, batch_pair, crossed


def test_weights_count_like_repeated_rows(rng):
    values = rng.normal(size=(4, 3))
    left, right = np.array([2.0, 0, 1, 1]), np.array([1.0, 2, 0])
    rows, columns = np.repeat(np.arange(4), left.astype(int)), np.repeat(np.arange(3), right.astype(int))
    expected = np.mean([values[i, j] for i in rows for j in columns])
    assert np.isclose(crossed(values, left, right), expected)


def test_copies_of_one_row_are_no_pair(rng):
    values = rng.normal(size=(4, 4))
    weights = np.array([2.0, 0, 1, 1])
    rows = np.repeat(np.arange(4), weights.astype(int))
    expected = np.mean([values[i, j] for i in rows for j in rows if i != j])
    assert np.isclose(apart(values, weights), expected)


def test_one_row_alone_has_no_pairs():
    assert np.isnan(apart(np.ones((3, 3)), np.array([3.0, 0, 0])))


def test_leading_axes_are_draws(rng):
    values, draws = rng.normal(size=(4, 4)), rng.integers(1, 3, size=(5, 4)).astype(float)
    assert np.allclose(apart(values, draws), [apart(values, one) for one in draws])
    assert np.allclose(crossed(values, draws, draws), [crossed(values, one, one) for one in draws])


def test_a_pair_is_cut_out_of_the_gramian():
    gramian, owners = np.arange(16.0).reshape(4, 4), np.array([0, 1, 0, 1])
    pair = batch_pair(gramian, owners, 0, 1)
    assert pair.aa.tolist() == [[0, 2], [8, 10]]
    assert pair.ab.tolist() == [[1, 3], [9, 11]]
    assert batch_pair(gramian, owners, 1, 1).same
