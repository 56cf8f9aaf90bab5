"""Lexical search: the right documents in the right order, filters and ties included."""

import numpy as np
import pytest

from accord.retrieval.lexical import BM25, lexical_search

TERMS = {"bank": 1.0, "loan": 2.0, "never": 1.0}


def plain(postings, terms, keep, names):
    """Every document scored, sorted with ties by name, descending."""
    found, scores = lexical_search(postings, terms, postings.rows, scoring=BM25(), prefer=lambda p: p)
    rows = [(-s, -names[p], p) for p, s in zip(found.tolist(), scores.tolist()) if p in keep]
    return [p for *_, p in sorted(rows)]


@pytest.mark.parametrize("k", [1, 5, 30, 1000])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.05])
def test_the_best_of_what_is_allowed(table, texts, k, share):
    texts = [*texts, *texts[:20]]  # copies tie
    _, postings = table([""] * len(texts), texts)
    generator = np.random.default_rng(0)
    names = generator.permutation(len(texts))
    keep = np.flatnonzero(generator.random(len(texts)) < share)
    found, scores = lexical_search(
        postings, TERMS, k, scoring=BM25(), keep=None if share == 1 else keep, prefer=lambda p: -names[p]
    )
    assert found.tolist() == plain(postings, TERMS, set(keep.tolist()), names)[:k]
    assert (np.diff(scores) <= 0).all() and scores.dtype == np.float32


def test_nothing_is_found_without_a_shared_term(table, texts):
    _, postings = table([""] * len(texts), texts)
    found, scores = lexical_search(postings, {"zebra": 1.0}, 5, scoring=BM25(), prefer=lambda p: p)
    assert len(found) == len(scores) == 0
    _, nothing = table([], [])
    assert not len(lexical_search(nothing, {"zebra": 1.0}, 5, scoring=BM25(), prefer=lambda p: p)[0])
