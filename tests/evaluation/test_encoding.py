import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled
from accord.evaluation.encoding import CachedEncoder, encode_documents, encode_queries, similarity_kind
from accord.evaluation.tasks import Classification, Clustering


def test_each_distinct_text_once_and_rows_in_place(toy):
    rows = encode_queries(toy, ["a", "b", "a"], "ask")
    assert toy.calls == [("query", "ask", ["a", "b"])]
    assert np.array_equal(rows, toy.rows(["a", "b", "a"]))


def test_the_cache_keeps_roles_and_prompts_apart(toy):
    cached = CachedEncoder(toy)
    cached.encode_query(["a"])
    cached.encode_query(["a"], prompt_name="p")
    cached.encode_document(["a"])
    cached.encode_document(["a", "b"])
    assert [call[2] for call in toy.calls] == [["a"], ["a"], ["a"], ["b"]]
    cached.clear()
    assert np.array_equal(cached.encode_document(["b", "a", "b"]), toy.rows(["b", "a", "b"]))
    assert len(toy.calls) == 5


def test_two_tasks_on_the_same_rows_encode_once(toy):
    data = Labelled({"text": ["red one", "red two", "blue one", "blue two"], "label": ["r", "r", "b", "b"]})
    cached = CachedEncoder(toy)
    Classification().evaluate(cached, train=data, test=data)
    Clustering().evaluate(cached, test=data)
    assert sum(len(texts) for _, _, texts in toy.calls) == 4


def test_similarity_is_the_models_own_where_search_knows_it(toy):
    assert similarity_kind(CachedEncoder(toy)) == "cosine"
    toy.similarity_name = "dot"
    assert similarity_kind(CachedEncoder(toy)) == "dot"
    toy.similarity_name = "manhattan"
    assert similarity_kind(toy) == similarity_kind(object()) == "cosine"


def test_broken_encoders_are_named(toy):
    toy.rows = lambda texts: np.full((len(texts), 2), np.nan)
    with pytest.raises(InputError, match="NaN or infinity for 1 texts, first for 'hello'"):
        encode_documents(toy, ["hello"])
    toy.rows = lambda texts: np.zeros((1, 2))
    with pytest.raises(InputError, match=r"one row a text, \(2, dim\)"):
        encode_documents(toy, ["a", "b"])
