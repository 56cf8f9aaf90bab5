import itertools

import numpy as np
import pytest
import scipy.stats

from accord.maths.resampling import (
    bca_interval,
    bootstrap_means,
    bootstrap_statistics,
    counts,
    draws,
    percentile_interval,
    sign_flip_p,
    standard_error_interval,
    swap_p,
)


def generator(seed=0):
    return np.random.Generator(np.random.Philox(seed))


@pytest.fixture
def skewed():
    return generator(5).exponential(size=60)


def test_means_and_statistics_share_their_draws(skewed):
    means = bootstrap_means(skewed, 50, generator())
    assert np.allclose(means, bootstrap_statistics(lambda rows: skewed[rows].mean(), 60, 50, generator()))


def test_chunks_hold_every_draw_and_stay_small():
    parts = list(draws(100_000, 7, generator()))
    assert sum(len(part) for part in parts) == 7
    assert max(part.size for part in parts) <= 2**18
    assert all(part.min() >= 0 and part.max() < 100_000 for part in parts)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_intervals_equal_scipy_up_to_the_draws(skewed, method):
    theirs = scipy.stats.bootstrap(
        (skewed,), np.mean, n_resamples=20_000, method=method, rng=np.random.default_rng(1)
    ).confidence_interval
    drawn = bootstrap_means(skewed, 20_000, generator())
    left_out = (skewed.sum() - skewed) / 59
    ours = (
        percentile_interval(drawn, 0.95)
        if method == "percentile"
        else bca_interval(drawn, left_out, skewed.mean(), 0.95)
    )
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.015)  # a tenth of the standard error


def test_bca_equals_scipy_on_the_same_draws(skewed):
    drawn = bootstrap_means(skewed, 999, generator())
    result = scipy.stats.bootstrap((skewed,), np.mean, n_resamples=0, method="BCa", bootstrap_result=_Drawn(drawn))
    ours = bca_interval(drawn, (skewed.sum() - skewed) / 59, skewed.mean(), 0.95)
    assert ours == pytest.approx(tuple(result.confidence_interval), abs=1e-9)


class _Drawn:
    def __init__(self, drawn):
        self.bootstrap_distribution = drawn


def test_intervals_of_a_constant_are_that_constant():
    drawn = np.full(100, 0.25)
    assert bca_interval(drawn, np.full(9, 0.25), 0.25, 0.95) == percentile_interval(drawn, 0.95) == (0.25, 0.25)


def test_sign_flips_equal_enumeration():
    differences = generator(1).normal(0.3, 1, size=9)
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product([1, -1], repeat=9)]
    plain = np.mean([s >= abs(differences.sum()) - 1e-9 for s in sums])
    assert sign_flip_p(differences, 1, generator()) == pytest.approx(plain)
    with_zeros = np.concatenate([differences, np.zeros(50)])
    assert sign_flip_p(with_zeros, 1, generator()) == pytest.approx(plain)


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.4])
def test_sign_flips_equal_scipy(shift):
    differences = generator(2).normal(shift, 1, size=45)
    theirs = scipy.stats.permutation_test(
        (differences, np.zeros(45)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=np.random.default_rng(3),
    ).pvalue
    assert sign_flip_p(differences, 20_000, generator()) == pytest.approx(theirs, abs=0.01)


def test_p_is_never_zero_and_one_for_equals():
    assert sign_flip_p(np.ones(200), 99, generator()) == 1 / 100
    assert sign_flip_p(np.zeros(200), 99, generator()) == 1.0
    assert swap_p(lambda trade: 0.0, 10, 99, generator()) == 1.0


def test_swapping_rows_of_a_mean_is_flipping_signs():
    differences = generator(4).normal(0.2, 1, size=60)
    swapped = swap_p(lambda trade: np.where(trade, -differences, differences).mean(), 60, 5000, generator())
    assert swapped == pytest.approx(sign_flip_p(differences, 5000, generator(9)), abs=0.025)


def test_counts_are_those_of_the_draws():
    rows = np.concatenate(list(draws(5, 20, np.random.default_rng(3))))
    assert (counts(5, 20, np.random.default_rng(3)) == [np.bincount(row, minlength=5) for row in rows]).all()


def test_an_interval_by_standard_error_covers_the_mean_of_few_rows(rng):
    inside = 0
    for _ in range(200):
        values = rng.normal(size=6)
        low, high = standard_error_interval(values.mean(), bootstrap_means(values, 200, rng), 6, 0.95)
        inside += low <= 0 <= high
    assert 0.91 < inside / 200 < 0.99
