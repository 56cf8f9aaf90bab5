"""The estimate of recall: who is asked again, and the interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from accord.core.errors import InputError
from accord.retrieval.recall import RecallMonitor, wilson


def test_a_share_of_queries_is_chosen_whatever_the_batches():
    for share in (0.01, 0.3, 1.0):
        monitor = RecallMonitor(share)
        sizes = np.random.default_rng(0).integers(0, 9, 600)
        chosen = [monitor.chosen(int(size)) for size in sizes]
        assert all((some < size).all() for some, size in zip(chosen, sizes))
        assert abs(sum(map(len, chosen)) - share * sizes.sum()) <= 1
    assert not len(RecallMonitor(0.0).chosen(1000))


def test_the_interval_is_wilsons():
    for successes, count in ((0, 5), (3, 9), (99, 100), (100, 100)):
        right = binomtest(successes, count).proportion_ci(method="wilson")
        assert wilson(successes / count, count) == pytest.approx((right.low, right.high))


def test_shares_found_are_counted_by_scores_so_that_ties_do_no_harm():
    monitor = RecallMonitor(1.0)
    assert monitor.estimate() is None
    exact = np.array([[0.9, 0.8, 0.8, 0.7]] * 3)
    monitor.note(np.array([[0.9, 0.8, 0.8, 0.7], [0.9, 0.8, 0.7, 0.7], [0.9, 0.6, 0.5, 0.4]]), exact)
    estimate = monitor.estimate()
    assert estimate.queries == 3
    assert estimate.recall == pytest.approx((1 + 1 + 0.25) / 3)
    assert estimate.low < estimate.recall < estimate.high


def test_bad_input():
    with pytest.raises(InputError, match="share"):
        RecallMonitor(1.5)
    monitor = RecallMonitor()
    with pytest.raises(InputError, match="share"):
        monitor.share = -0.1
    with pytest.raises(InputError, match="one shape"):
        monitor.note(np.ones((1, 2)), np.ones((1, 3)))
