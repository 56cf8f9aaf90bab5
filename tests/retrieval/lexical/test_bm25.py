"""BM25: against two other implementations, and by its own properties."""

import math
from collections import Counter

import bm25s
import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.lexical import BM25, Analyser, bm25, inverse_document_frequency, lexical_search


def all_scores(postings, terms, scoring):
    """The score of every document, by position."""
    found, values = lexical_search(postings, terms, postings.rows, scoring=scoring, prefer=lambda p: p)
    scores = np.zeros(postings.rows)
    scores[found] = values
    return scores


def oracle(tokens, query, **settings):
    other = bm25s.BM25(method="lucene", **settings)
    other.index(tokens, show_progress=False)
    return other.get_scores(query)


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.6, 0.3), (2.5, 1.0), (1.2, 0.0)])
def test_it_is_what_bm25s_gives(table, texts, k1, b):
    _, postings = table([""] * len(texts), texts)
    tokens = Analyser().terms(texts)
    for query in (["river"], ["bank", "loan", "the"], ["money", "money", "tide"]):
        found = all_scores(postings, Counter(query), BM25(k1=k1, b=b))
        np.testing.assert_allclose(found, oracle(tokens, query, k1=k1, b=b), atol=1e-4)


@pytest.mark.parametrize("weight", [0, 1, 3])
def test_a_weight_counts_a_title_as_if_it_were_written_so_often(table, titles, texts, weight):
    _, postings = table(titles, texts)
    written = [" ".join([title] * weight + [text]) for title, text in zip(titles, texts)]
    found = all_scores(postings, {"river": 1, "fish": 1}, BM25(title=weight))
    np.testing.assert_allclose(found, oracle(Analyser().terms(written), ["river", "fish"], k1=1.2, b=0.75), atol=1e-4)


def test_it_is_sqlites_own_but_for_the_idf(table, titles, texts):
    """SQLite has the factor k1 + 1, and log((N - n + 1/2) / (n + 1/2)) with a floor in place of our idf."""
    connection, postings = table(titles, texts)
    for term in ("river", "tide", "account"):
        rows = connection.execute("SELECT rowid - 10, -bm25(lexical) FROM lexical WHERE lexical MATCH ?", (term,))
        theirs = np.zeros(len(texts))
        for position, score in rows:
            theirs[position] = score
        holding, ours = int((theirs > 0).sum()), all_scores(postings, {term: 1}, BM25())
        idf = max(math.log((len(texts) - holding + 0.5) / (holding + 0.5)), 1e-6)
        factor = 2.2 * idf / inverse_document_frequency(holding, len(texts))
        np.testing.assert_allclose(ours * factor, theirs, rtol=1e-4)


def test_more_of_a_term_is_more_and_longer_is_less():
    often, lengths = np.arange(1.0, 9), np.full(8, 20.0)
    assert (np.diff(bm25(often, lengths, idf=1.0, mean_length=20.0)) > 0).all()
    assert (np.diff(bm25(np.ones(8), lengths + often, idf=1.0, mean_length=20.0)) < 0).all()
    assert bm25(np.array([1e9]), np.array([1.0]), idf=2.0, mean_length=1.0) == pytest.approx(2.0)


def test_a_rarer_term_is_worth_more_and_every_term_something():
    worth = [inverse_document_frequency(n, 100) for n in range(1, 101)]
    assert (np.diff(worth) < 0).all() and worth[-1] > 0


def test_bad_settings_are_refused():
    for settings in ({"k1": 0}, {"b": 1.5}, {"title": -1}, {"text": 0}):
        with pytest.raises(InputError, match=next(iter(settings))):
            BM25(**settings)
