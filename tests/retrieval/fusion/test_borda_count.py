"""Borda count: against giving out points by hand."""

import numpy as np
import pytest
from plain_fusion import borda_count as plain
from plain_fusion import lists

from accord.core.errors import InputError
from accord.retrieval.fusion import BordaCount, borda_count


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_it_is_what_giving_out_points_gives(scores, weights):
    fused = BordaCount(weights).fuse(scores)
    for query in range(scores.shape[1]):
        wanted = plain(lists(scores, query), weights or [1, 1, 1])
        for document in range(scores.shape[2]):
            assert fused[query, document] == pytest.approx(wanted.get(document, -np.inf), abs=1e-12)


def test_every_system_gives_out_the_same_points(scores):
    fused = borda_count(scores)
    for query in range(scores.shape[1]):
        given = fused[query][np.isfinite(fused[query])]
        assert given.sum() == pytest.approx(3 * len(given) * (len(given) + 1) / 2)


def test_only_the_order_of_scores_counts(scores):
    assert np.array_equal(borda_count(np.exp(scores / 10)), borda_count(scores))


def test_bad_input_is_refused(scores):
    with pytest.raises(InputError, match="not negative"):
        BordaCount([1.0, -1.0])
    with pytest.raises(InputError, match="one number for each of 3"):
        borda_count(scores, [1.0])
