"""Greedy choice beside its definition, and over a store."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.choices import MarginalRelevance, marginal_relevance


def plain(relevance, vectors, k, balance):
    chosen = [int(np.argmax(relevance))]
    while len(chosen) < min(k, len(relevance)):
        worth = {
            i: balance * relevance[i] - (1 - balance) * max(float(vectors[i] @ vectors[j]) for j in chosen)
            for i in range(len(relevance))
            if i not in chosen
        }
        chosen.append(max(worth, key=worth.__getitem__))
    return chosen


@pytest.mark.parametrize("balance", [0.0, 0.3, 0.7, 1.0])
def test_it_is_the_greedy_choice(rows, rng, balance):
    vectors, query = rows(rng, 30), rows(rng, 1)[0]
    relevance = vectors @ query
    found = marginal_relevance(relevance, vectors, 12, balance=balance).tolist()
    assert found == plain(relevance.astype(float), vectors.astype(float), 12, balance)


def test_one_is_the_order_of_relevance_and_twins_come_late(rows, rng):
    vectors = np.concatenate([rows(rng, 5), rows(rng, 5)])
    vectors[5:] = vectors[:5]
    relevance = np.linspace(1, 0.5, 10)
    assert marginal_relevance(relevance, vectors, 10, balance=1.0).tolist() == list(range(10))
    assert sorted(n % 5 for n in marginal_relevance(relevance, vectors, 5, balance=0.2)) == list(range(5))


def test_hits_keep_their_scores_and_get_new_ranks(filled):
    query = np.ones(8)
    plainly = filled.search(query, 30)
    assert MarginalRelevance(balance=1.0).search(filled, query, 7) == plainly[:7]
    hits = MarginalRelevance(balance=0.3, candidates=30).search(filled, query, 7)
    assert hits[0] == plainly[0]
    assert [hit.rank for hit in hits] == list(range(1, 8))
    scores = {hit.id: hit.score for hit in plainly}
    assert all(hit.score == scores[hit.id] for hit in hits)

    def likeness(found):
        vectors = filled.vectors([hit.id for hit in found])
        return (vectors @ vectors.T)[np.triu_indices(len(found), 1)].mean()

    assert likeness(hits) < likeness(plainly[:7])
    assert MarginalRelevance().choose(filled, []) == []


def test_bad_numbers_are_refused(filled):
    with pytest.raises(InputError, match="`balance`"):
        MarginalRelevance(balance=1.2)
    with pytest.raises(InputError, match="`candidates`"):
        MarginalRelevance(candidates=0)
    with pytest.raises(InputError, match="`k` must be at least 1"):
        MarginalRelevance().search(filled, np.ones(8), 0)
    with pytest.raises(InputError, match="a row a document"):
        marginal_relevance(np.ones(3), np.ones((2, 4)), 1)
