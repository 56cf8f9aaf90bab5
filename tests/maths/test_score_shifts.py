"""Divergences of shifted scores: against scipy, also where shares vanish."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from accord.maths.score_shifts import divergence, shifted


def plain(scores, shift, temperature):
    """Relative entropy as it is written, with 64 bits of mantissa."""
    wide = np.longdouble
    logs = [x.astype(wide) / wide(temperature) for x in (scores + shift, scores)]
    after, before = (
        x - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True)) - x.max(-1, keepdims=True) for x in logs
    )
    return (np.exp(after) * (after - before)).sum(axis=-1).astype(float)


@pytest.mark.parametrize("temperature", [0.005, 0.01, 0.5])
@pytest.mark.parametrize("size", [1e-3, 0.1, 3.0])
def test_it_is_the_relative_entropy_of_the_two_distributions(temperature, size):
    generator = np.random.default_rng(0)
    scores, shift = generator.normal(size=(2, 60, 9)), size * generator.normal(size=(2, 60, 9))
    found, wanted = divergence(scores, shift, temperature), plain(scores, shift, temperature)
    assert (found >= 0).all()
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-16)
    after, before = softmax((scores + shift) / temperature, axis=-1), softmax(scores / temperature, axis=-1)
    with np.errstate(divide="ignore"):
        known = entropy(after, before, axis=-1)
    np.testing.assert_allclose(found[np.isfinite(known)], known[np.isfinite(known)], rtol=1e-6, atol=1e-10)


def test_a_tiny_shift_is_half_its_variance():
    shift = 1e-9 * np.random.default_rng(1).normal(size=(5, 40))
    value, variance = shifted(np.zeros((5, 40)), shift)
    np.testing.assert_allclose(value, variance / 2, rtol=1e-6)


def test_a_shift_of_all_scores_alike_is_none():
    assert divergence(np.array([[0.3, 0.9]]), np.full((1, 2), 0.7), 0.05) == pytest.approx(0, abs=1e-12)
