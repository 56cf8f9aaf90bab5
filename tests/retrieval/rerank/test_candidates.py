"""Hits in the order of another model."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval import Hit
from accord.retrieval.rerank import rerank

HITS = [Hit(name, 1.0 - n / 10, f"text {name}", "", {"n": n}, n + 1) for n, name in enumerate("abcd")]


class Stub:
    def __init__(self, scores):
        self.scores = np.array(scores, dtype=np.float32)

    def score(self, left, right, *, progress=None):
        self.pairs = list(zip(left, right))
        return self.scores


def test_best_first_with_new_scores_and_ranks_ties_in_their_order():
    found = rerank("q", HITS, Stub([0.1, 0.7, 0.1, 0.9]), k=3)
    assert [(hit.id, hit.rank) for hit in found] == [("d", 1), ("b", 2), ("a", 3)]
    assert found[0].score == pytest.approx(0.9)
    assert found[1].metadata == {"n": 1}


def test_a_title_stands_before_its_text():
    stub = Stub([1.0, 0.5])
    rerank("q", [HITS[0], Hit("t", 0.0, "body", "Title", {}, 2)], stub)
    assert stub.pairs == [("q", "text a"), ("q", "Title body")]


def test_what_cannot_rank_is_refused():
    with pytest.raises(InputError, match="this one has 3 labels"):
        rerank("q", HITS, Stub(np.zeros((4, 3))))
    with pytest.raises(InputError, match="`k` must be at least 1"):
        rerank("q", HITS, Stub([0, 0, 0, 0]), k=0)
    assert rerank("q", [], Stub([])) == []
