"""Measures of gradients: slow plain oracles, known truths behind noise, and the intervals around them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from accord.evaluation.conflict import (
    conflict_rate,
    corrected_cosine,
    gradient_cosine,
    lookahead_affinity,
    magnitude_similarity,
    noise_margin,
    over_batches,
    passing_margin,
)
from accord.maths.batch_pairs import batch_pair

SIZE = 60


def gradients(rng, cosine, *, batches=8, noise=1.0):
    """Batches of two tasks whose expected gradients have length 1 and this cosine; the noise has this length."""
    a, b = np.zeros(SIZE), np.zeros(SIZE)
    a[0], b[0], b[1] = 1.0, cosine, np.sqrt(1 - cosine**2)
    return [mean + noise / np.sqrt(SIZE) * rng.normal(size=(batches, SIZE)) for mean in (a, b)]


def pair_of(left, right, *, one=False):
    both = np.concatenate([left, right])
    owners = np.repeat([0, 1], [len(left), len(right)])
    return batch_pair(both @ both.T, owners, 0, 0 if one else 1)


def cosine_of(x, y):
    return x @ y / np.linalg.norm(x) / np.linalg.norm(y)


def test_between_tasks_all_batches_meet(rng):
    left, right = gradients(rng, 0.3, batches=5)
    pair = pair_of(left, right[:4])
    both = list(itertools.product(left, right[:4]))
    assert np.isclose(gradient_cosine(pair), np.mean([cosine_of(x, y) for x, y in both]))
    assert np.isclose(conflict_rate(pair), np.mean([x @ y < 0 for x, y in both]))
    lengths = [(np.linalg.norm(x), np.linalg.norm(y)) for x, y in both]
    assert np.isclose(magnitude_similarity(pair), np.mean([2 * x * y / (x * x + y * y) for x, y in lengths]))
    own = [
        np.mean([part[i] @ part[j] for i, j in itertools.permutations(range(len(part)), 2)])
        for part in (left, right[:4])
    ]
    expected = np.mean([x @ y for x, y in both]) / np.sqrt(own[0] * own[1])
    assert np.isclose(corrected_cosine(pair), expected)


def test_within_a_task_no_batch_meets_itself(rng):
    left, right = gradients(rng, 0.3)
    pair = pair_of(left, right, one=True)
    expected = np.mean([cosine_of(x, y) for x, y in itertools.combinations(left, 2)])
    assert np.isclose(gradient_cosine(pair), expected)
    assert np.isnan(corrected_cosine(pair))


@pytest.mark.parametrize("truth", [-0.8, 0.0, 0.9])
def test_the_correction_takes_out_what_noise_shrinks(rng, truth):
    found = [pair_of(*gradients(rng, truth, noise=1.5)) for _ in range(200)]
    plain = np.mean([gradient_cosine(pair) for pair in found])
    corrected = np.mean([corrected_cosine(pair) for pair in found])
    assert abs(plain) <= 0.5 * abs(truth) + 0.01
    assert corrected == pytest.approx(truth, abs=0.06)


@pytest.mark.parametrize("truth", [-0.5, 0.0, 0.7])
def test_intervals_hold_the_truth_as_often_as_they_say(rng, truth):
    rounds = 100
    inside = 0
    for number in range(rounds):
        pair = pair_of(*gradients(rng, truth, noise=1.2))
        estimate = over_batches(corrected_cosine, pair, resamples=300, key=(str(number),))
        inside += estimate.low <= truth <= estimate.high
    assert inside / rounds > 0.9


def test_pure_noise_has_no_angle_and_any_interval(rng):
    left, right = rng.normal(size=(2, 8, SIZE))
    estimate = over_batches(corrected_cosine, pair_of(left, right), resamples=200)
    assert np.isnan(estimate.value) or (estimate.low < -0.5 and estimate.high > 0.5)


def test_three_batches_give_no_interval(rng):
    estimate = over_batches(gradient_cosine, pair_of(*gradients(rng, 0.5, batches=3)))
    assert np.isfinite(estimate.value)
    assert not estimate.known


def test_opposed_gradients_are_found_in_every_batch(rng):
    left, _ = gradients(rng, 0.5, noise=0.01)
    pair = pair_of(left, -left)
    assert conflict_rate(pair) == 1.0
    assert np.isclose(corrected_cosine(pair), -1.0, atol=1e-3)
    assert np.isclose(magnitude_similarity(pair), 1.0, atol=1e-3)


def test_a_gradient_of_zero_is_no_conflict():
    pair = pair_of(np.zeros((4, SIZE)), np.ones((4, SIZE)))
    assert gradient_cosine(pair) == 0
    assert conflict_rate(pair) == 0
    assert np.isnan(corrected_cosine(pair))


def test_the_margin_is_the_spread_of_a_tasks_own_progress(rng):
    """Isotropic noise of length s moves the progress of a batch by s / sqrt(size), relative to 1."""
    noise, steps = 1.0, 25
    found = []
    for _ in range(300):
        left, right = gradients(rng, 0.0, noise=noise)
        found.append(noise_margin(pair_of(left, right).aa, steps=steps, others=steps) ** 2)
    expected = 1.96 * noise / np.sqrt(SIZE) / np.sqrt(steps)
    assert np.sqrt(np.mean(found)) == pytest.approx(expected, rel=0.25)


def test_more_steps_leave_less_to_chance(rng):
    own = pair_of(*gradients(rng, 0.0)).aa
    margin = noise_margin(own, steps=100, others=100)
    assert noise_margin(own, steps=400, others=400) == pytest.approx(margin / 2)
    assert noise_margin(own, steps=100, others=400) == pytest.approx(margin / 4)


def test_what_is_let_pass_is_noise_or_a_share_of_the_ceiling(rng):
    pair = pair_of(*gradients(rng, 0.0))
    own = [float(gradient_cosine(replace(pair, ab=part, aa=part, bb=part, same=True))) for part in (pair.aa, pair.bb)]
    assert passing_margin(pair, steps=(10**8, 10**8), tolerance=0.2) == pytest.approx(0.2 * min(own))
    noise = passing_margin(pair, steps=(10, 10), tolerance=0.0)
    assert passing_margin(pair, steps=(40, 40), tolerance=0.0) == pytest.approx(noise / 2)
    assert passing_margin(pair_of(*gradients(rng, 0.0, batches=3)), steps=(10, 10)) == 0


def test_affinity_of_quadratics_in_closed_form():
    """L_j = (t - m_j)^2 / 2 after a step of size r on L_i: the distance to m_j changes by r (m_i - t)."""
    start, rate, minima = 3.0, 0.1, np.array([0.0, 2.0, 5.0])

    def loss(weight, minimum):
        return (weight - minimum) ** 2 / 2

    for i, j in itertools.product(range(3), repeat=2):
        after = start - rate * (start - minima[i])
        found = lookahead_affinity(loss(start, minima[j]), loss(after, minima[j]))
        expected = 1 - (1 + rate * (minima[i] - start) / (start - minima[j])) ** 2
        assert np.isclose(found, expected)
    assert lookahead_affinity(loss(start, 0.0), loss(start + 0.2, 0.0)) < 0
