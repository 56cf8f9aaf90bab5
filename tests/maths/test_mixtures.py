"""Shares and sums of clusters are those of a loop; smoothing is an average; turns keep proportions all along."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.maths.mixtures import in_turn, mixture_sums, smoothed


def test_sums_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    vectors, codes = rng.standard_normal((40, 5)), rng.integers(0, 6, 40)
    shares, sums = mixture_sums(vectors, codes, 7)
    for cluster in range(7):
        members = vectors[codes == cluster]
        assert shares[cluster] == pytest.approx(len(members) / 40)
        np.testing.assert_allclose(sums[cluster], members.sum(axis=0) / 40, atol=1e-12)
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(sums.sum(axis=0), vectors.mean(axis=0))


def test_no_points_weigh_nothing():
    shares, sums = mixture_sums(np.zeros((0, 3)), np.zeros(0, dtype=int), 2)
    assert not shares.any()
    assert not sums.any()


def test_smoothing_runs_from_oneself_to_the_neighbours():
    own, others = np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.5, 0.5]])
    np.testing.assert_array_equal(smoothed(own, others, 0.0), own)
    np.testing.assert_array_equal(smoothed(own, others, 1.0), [0.25, 0.75])
    np.testing.assert_array_equal(smoothed(own, others[:0], 0.7), own)
    with pytest.raises(InputError, match=r"`share` must lie in \[0, 1\]"):
        smoothed(own, others, 1.5)


@pytest.mark.parametrize("quotas", [[5, 3, 2], [1], [0, 0, 4], [7, 7], [1, 10], []])
def test_every_beginning_is_in_proportion(quotas):
    turns = in_turn(quotas)
    np.testing.assert_array_equal(np.bincount(turns, minlength=len(quotas)) if quotas else turns, quotas)
    for cut in range(1, len(turns) + 1):
        had = np.bincount(turns[:cut], minlength=len(quotas))
        assert np.abs(had - cut * np.array(quotas) / sum(quotas)).max() <= 1


def test_negative_quotas_are_refused():
    with pytest.raises(InputError, match="`quotas` must be at least 0"):
        in_turn([2, -1])
