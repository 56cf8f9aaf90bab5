"""Majority vote: against counting hands."""

import numpy as np
import pytest
from plain_fusion import lists
from plain_fusion import majority_vote as plain

from accord.core.errors import InputError
from accord.retrieval.fusion import MajorityVote, majority_vote


@pytest.mark.parametrize("depth", [1, 3, 100])
def test_it_is_what_counting_hands_gives(scores, depth):
    fused = MajorityVote(depth=depth).fuse(scores)
    for query in range(scores.shape[1]):
        wanted = plain(lists(scores, query), depth)
        for document in range(scores.shape[2]):
            assert fused[query, document] == pytest.approx(wanted.get(document, -np.inf), abs=1e-12)


def test_two_votes_beat_one_whatever_the_places():
    found = np.array([[[9.0, 5.0, 1.0]], [[1.0, 5.0, 9.0]], [[np.nan, 5.0, 9.0]]])
    assert np.argsort(-majority_vote(found, depth=1)[0]).tolist()[0] == 2
    assert np.argmax(majority_vote(found, depth=2)) == 1


def test_only_the_order_of_scores_counts(scores):
    assert np.array_equal(majority_vote(np.exp(scores / 10)), majority_vote(scores))


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="depth"):
        MajorityVote(depth=0)
