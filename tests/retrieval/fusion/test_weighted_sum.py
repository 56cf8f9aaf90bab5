"""Weighted sums: against dictionaries, under changes of scale, and where a system found nothing."""

import numpy as np
import pytest
from plain_fusion import lists
from plain_fusion import weighted_sum as plain

from accord.core.errors import InputError
from accord.retrieval.fusion import WeightedSum, weighted_sum


@pytest.mark.parametrize("scale", ["min-max", "z", "none"])
@pytest.mark.parametrize("weights", [None, [0.5, 0.0, 2.0]])
def test_it_is_what_dictionaries_give(scores, scale, weights):
    fused = WeightedSum(weights, scale=scale).fuse(scores)
    for query in range(scores.shape[1]):
        wanted = plain(lists(scores, query), weights or [1, 1, 1], scale)
        for document in range(scores.shape[2]):
            assert fused[query, document] == pytest.approx(wanted.get(document, -np.inf), abs=1e-12)


@pytest.mark.parametrize("scale", ["min-max", "z"])
def test_a_system_may_score_on_any_scale(scores, scale):
    moved = scores * np.array([3.0, 0.01, 7.0])[:, None, None] + np.array([5.0, -2.0, 0.0])[:, None, None]
    np.testing.assert_allclose(weighted_sum(moved, scale=scale), weighted_sum(scores, scale=scale), atol=1e-9)


def test_one_system_alone_keeps_its_order(scores):
    fused = weighted_sum(scores[:1])
    for row, before in zip(fused, scores[0]):
        found = ~np.isnan(before)
        assert np.array_equal(np.argsort(row[found], kind="stable"), np.argsort(before[found], kind="stable"))
        assert np.isneginf(row[~found]).all()


def test_the_order_of_systems_does_not_matter(scores):
    np.testing.assert_allclose(weighted_sum(scores[::-1], [3, 2, 1]), weighted_sum(scores, [1, 2, 3]), atol=1e-12)


def test_bad_input_is_refused(scores):
    for given, wanted in (([1, 2], "one number for each"), ([0, 0, 0], "not all zero"), ([1, -1, 1], "not negative")):
        with pytest.raises(InputError, match=wanted):
            weighted_sum(scores, given)
    with pytest.raises(InputError, match="systems, queries, documents"):
        weighted_sum(scores[0])
    with pytest.raises(InputError, match="finite"):
        weighted_sum(np.full((1, 1, 2), np.inf))
    with pytest.raises(InputError, match="Did you mean `min-max`"):
        WeightedSum(scale="minmax")
