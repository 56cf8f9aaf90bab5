"""Measures of task vectors and of the way between models."""

import itertools

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.evaluation.conflict import (
    large_coordinates,
    loss_barrier,
    norm_ratio,
    over_units,
    sign_agreement,
    subspace_overlap,
    task_vector_cosine,
    top_directions,
    transfer,
)
from accord.evaluation.measured import of_values


def test_cosines_and_lengths_are_those_of_the_vectors(rng):
    vectors = rng.normal(size=(3, 40)) * [[1.0], [2.0], [0.5]]
    cosines, ratios = task_vector_cosine(vectors @ vectors.T), norm_ratio(vectors @ vectors.T)
    for i, j in itertools.product(range(3), repeat=2):
        lengths = np.linalg.norm(vectors[i]), np.linalg.norm(vectors[j])
        assert np.isclose(cosines[i, j], vectors[i] @ vectors[j] / lengths[0] / lengths[1])
        assert np.isclose(ratios[i, j], lengths[0] / lengths[1])


def test_a_model_that_stood_still_has_no_direction():
    assert task_vector_cosine(np.array([[1.0, 0.0], [0.0, 0.0]]))[0, 1] == 0


def test_all_models_are_read_at_the_same_coordinates(rng):
    whole = rng.normal(size=(3, 1000)) * [[1.0], [100.0], [1.0]]
    kept = large_coordinates(np.split(whole, 5, axis=1))
    flat = np.concatenate(kept)
    assert flat.sum() == 200
    score = np.mean(np.abs(whole) / np.linalg.norm(whole, axis=1, keepdims=True), axis=0)
    assert set(np.flatnonzero(flat)) == set(np.argsort(score)[-200:])
    agree = sum(sign_agreement(piece, mask)[0] for piece, mask in zip(np.split(whole, 5, axis=1), kept))
    assert agree[0, 1] == (np.sign(whole[0, flat]) == np.sign(whole[1, flat])).sum()
    assert np.diag(agree).tolist() == [200, 200, 200]
    assert 0.35 < agree[0, 1] / 200 < 0.65


def test_overlap_goes_from_none_to_all(rng):
    a = rng.normal(size=(30, 12))
    left, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    one, other = np.diag([5.0, 4, 0.1, 0.1]), np.diag([0.1, 0.1, 4, 5.0])
    assert np.isclose(subspace_overlap(top_directions(a, 4), top_directions(3 * a, 4)), 1)
    assert subspace_overlap(top_directions(one, 2), top_directions(other, 2)) < 1e-6
    turned = top_directions(a @ left, 4)
    assert turned.shape == (12, 4)
    assert np.allclose(turned.T @ turned, np.eye(4))


def test_directions_are_those_of_the_singular_value_decomposition(rng):
    matrix = rng.normal(size=(20, 9))
    _, _, right = np.linalg.svd(matrix, full_matrices=False)
    assert np.isclose(subspace_overlap(top_directions(matrix, 3), right[:3].T), 1, atol=1e-5)


def test_a_convex_loss_has_no_barrier(rng):
    for _ in range(20):
        root = rng.normal(size=(6, 6))
        a, b = rng.normal(size=(2, 6))
        along = np.linspace(0, 1, 7)
        losses = [((1 - t) * a + t * b) @ (root @ root.T) @ ((1 - t) * a + t * b) for t in along]
        assert loss_barrier(np.array(losses)) <= 1e-9


def test_a_hill_is_measured_above_the_straight_line():
    losses = np.array([[1.0, 2.0, 3.5, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    assert loss_barrier(losses).tolist() == [1.5, 0.0]
    with pytest.raises(InputError, match="3 points"):
        loss_barrier(np.array([1.0, 2.0]))


def test_intervals_over_units_hold_a_known_mean(rng):
    inside = 0
    for number in range(150):
        values = rng.normal(1.0, 2.0, size=6)
        estimate = over_units(lambda w, v=values: w @ v / w.sum(axis=1), 6, resamples=200, key=(str(number),))
        inside += estimate.low <= 1.0 <= estimate.high
    assert inside / 150 > 0.9


def test_transfer_is_the_paired_difference(rng):
    ids = [str(i) for i in range(50)]
    base = rng.random(50)
    measured = [of_values("nDCG@10", ids, v, primary=True) for v in (base, base - 0.1, base - 0.2)]
    found = transfer(measured[1:], measured[0], resamples=200)
    assert found.value == pytest.approx(-0.15)
    assert found.high < 0
    assert found.n == 50
