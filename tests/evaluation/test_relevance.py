import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked
from accord.evaluation.relevance import search_test


def test_equal_texts_are_one_query_and_one_document():
    pairs = Pairs({"id": ["1", "2", "3"], "anchor": ["Pay?", "pay? ", "Ship?"], "positive": ["card", "cash", "CARD"]})
    test = search_test(pairs)
    assert (test.query_ids, test.document_ids) == (["1", "3"], ["1", "2"])
    assert test.relevance == [{0: 1.0, 1: 1.0}, {0: 1.0}]


def test_grades_come_from_scores_and_the_highest_stays():
    pairs = Pairs({"anchor": ["q"] * 4, "positive": ["a", "a", "b", "c"], "score": [1.0, 3.0, 0.0, -1.0]})
    test = search_test(pairs)
    assert test.relevance == [{0: 3.0, 1: 0.0, 2: -1.0}]


def test_the_corpus_adds_documents_and_shares_those_it_repeats():
    pairs = Pairs({"anchor": ["q"], "positive": ["a"]}).with_corpus({"id": ["x", "y"], "text": ["A", "other"]})
    test = search_test(pairs)
    assert (test.documents, test.document_ids) == (["a", "other"], ["0", "y"])


def test_ranked_lists():
    test = search_test(Ranked({"id": ["r"], "query": ["q"], "pos": [["a", "b"]], "neg": [["c"]]}))
    assert (test.documents, test.document_ids) == (["a", "b", "c"], ["r.0", "r.1", "r.2"])
    assert test.relevance == [{0: 1.0, 1: 1.0, 2: 0.0}]


def test_own_documents_are_those_not_judged_relevant():
    pairs = Pairs({"anchor": ["a", "b", "same"], "positive": ["b", "a", "same"]})
    assert search_test(pairs).own_documents().tolist() == [1, 0, -1]


def test_queries_without_anything_relevant():
    pairs = Pairs({"anchor": ["q", "r"], "positive": ["a", "b"], "score": [0.0, 1.0]})
    assert search_test(pairs).answerable().tolist() == [1]
    with pytest.raises(InputError, match="No query has a relevant document"):
        search_test(pairs.take([0])).answerable()


def test_other_signals_are_refused():
    with pytest.raises(InputError, match="Got Labelled instead"):
        search_test(Labelled({"text": ["a"], "label": ["x"]}))


def test_equality_is_that_of_leakage():
    pairs = Pairs({"anchor": ["Cafe\u0301  X", "CAFÉ x"], "positive": ["a", "b"]})
    assert search_test(pairs).queries == ["Cafe\u0301  X"]
