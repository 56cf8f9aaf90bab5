"""LangChain applies the query prompt."""

import asyncio
import importlib.util

import numpy as np
import pytest

from accord.core.errors import MissingExtra
from accord.integrations import LangChainEmbeddings

INSTALLED = importlib.util.find_spec("langchain_core") is not None
needs_langchain = pytest.mark.skipif(not INSTALLED, reason="langchain-core is not installed")


@needs_langchain
def test_queries_take_the_query_prompt(model, texts):
    from langchain_core.embeddings import Embeddings

    host = LangChainEmbeddings(model)
    assert isinstance(host, Embeddings)
    found = np.array([host.embed_query(text) for text in texts])
    np.testing.assert_allclose(found, model.encode_query(texts), atol=1e-6)
    assert np.abs(found - model.encode(texts)).max() > 0.05
    np.testing.assert_allclose(host.embed_documents(texts), model.encode_document(texts), atol=1e-6)


@needs_langchain
def test_asynchronous_calls_give_the_same(model, texts):
    host = LangChainEmbeddings(model)
    assert asyncio.run(host.aembed_query(texts[0])) == host.embed_query(texts[0])
    assert asyncio.run(host.aembed_documents(texts)) == host.embed_documents(texts)


@needs_langchain
def test_a_store_finds_with_it(model, texts):
    from langchain_core.vectorstores import InMemoryVectorStore

    store = InMemoryVectorStore(LangChainEmbeddings(model))
    store.add_texts(texts)
    scores = model.similarity(model.encode_query(texts[0]), model.encode_document(texts))[0]
    found = store.similarity_search_with_score(texts[0], k=3)
    assert [document.page_content for document, _ in found] == [texts[int(n)] for n in scores.argsort(descending=True)]
    np.testing.assert_allclose(sorted(score for _, score in found), sorted(scores.tolist()), atol=1e-6)


@pytest.mark.skipif(INSTALLED, reason="langchain-core is installed")
def test_without_langchain_the_error_says_what_to_install(model):
    with pytest.raises(MissingExtra, match="pip install langchain-core"):
        LangChainEmbeddings(model)
