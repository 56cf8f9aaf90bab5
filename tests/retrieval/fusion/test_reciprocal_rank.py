"""Reciprocal rank fusion: against counting, and under every rising change of the scores."""

import numpy as np
import pytest
from plain_fusion import lists
from plain_fusion import reciprocal_rank as plain

from accord.core.errors import InputError
from accord.retrieval.fusion import ReciprocalRank, reciprocal_rank


@pytest.mark.parametrize(("weights", "offset"), [(None, 60.0), ([1.0, 2.0, 0.5], 0.0)])
def test_it_is_what_counting_gives(scores, weights, offset):
    fused = ReciprocalRank(weights, offset=offset).fuse(scores)
    for query in range(scores.shape[1]):
        wanted = plain(lists(scores, query), weights or [1, 1, 1], offset)
        for document in range(scores.shape[2]):
            assert fused[query, document] == pytest.approx(wanted.get(document, -np.inf), abs=1e-12)


def test_only_the_order_of_scores_counts(scores):
    assert np.array_equal(reciprocal_rank(np.exp(scores / 10)), reciprocal_rank(scores))


def test_golden_value_of_the_paper():
    """Rank 1 in one list and rank 2 in the other, with the paper's k = 60."""
    fused = reciprocal_rank(np.array([[[2.0, 1.0]], [[1.0, 2.0]]]))
    assert fused[0, 0] == fused[0, 1] == pytest.approx(1 / 61 + 1 / 62)


def test_bad_input_is_refused(scores):
    with pytest.raises(InputError, match="offset"):
        ReciprocalRank(offset=-1)
    with pytest.raises(InputError, match="one number for each of 3"):
        reciprocal_rank(scores, [1.0])
