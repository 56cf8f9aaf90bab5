"""LlamaIndex applies the query prompt."""

import asyncio
import importlib.util

import numpy as np
import pytest

from accord.core.errors import InputError, MissingExtra
from accord.integrations import LlamaIndexEmbedding

INSTALLED = importlib.util.find_spec("llama_index") is not None
needs_llama_index = pytest.mark.skipif(not INSTALLED, reason="llama-index-core is not installed")


@needs_llama_index
def test_queries_take_the_query_prompt(model, texts):
    from llama_index.core.base.embeddings.base import BaseEmbedding

    host = LlamaIndexEmbedding(model)
    assert isinstance(host, BaseEmbedding)
    found = np.array([host.get_query_embedding(text) for text in texts])
    np.testing.assert_allclose(found, model.encode_query(texts), atol=1e-6)
    assert np.abs(found - model.encode(texts)).max() > 0.05
    np.testing.assert_allclose(host.get_text_embedding_batch(texts), model.encode_document(texts), atol=1e-6)
    np.testing.assert_allclose(host.get_text_embedding(texts[0]), model.encode_document(texts[0]), atol=1e-6)


@needs_llama_index
def test_asynchronous_calls_give_the_same(model, texts):
    host = LlamaIndexEmbedding(model)
    assert asyncio.run(host.aget_query_embedding(texts[0])) == host.get_query_embedding(texts[0])
    assert asyncio.run(host.aget_text_embedding(texts[0])) == host.get_text_embedding(texts[0])
    assert asyncio.run(host.aget_text_embedding_batch(texts)) == host.get_text_embedding_batch(texts)


@needs_llama_index
def test_it_describes_itself_without_the_model(model):
    assert LlamaIndexEmbedding(model, embed_batch_size=7).to_dict()["embed_batch_size"] == 7


@needs_llama_index
def test_a_cache_that_mixes_queries_and_texts_is_refused(model):
    from llama_index.core.storage.kvstore import SimpleKVStore
    from tiny_models import tiny_encoder

    with pytest.raises(InputError, match="one vector a text"):
        LlamaIndexEmbedding(model, embeddings_cache=SimpleKVStore())
    plain = LlamaIndexEmbedding(tiny_encoder(), embeddings_cache=SimpleKVStore())
    assert plain.get_query_embedding("read") == plain.get_text_embedding("read")


@pytest.mark.skipif(INSTALLED, reason="llama-index-core is installed")
def test_without_llama_index_the_error_says_what_to_install(model):
    with pytest.raises(MissingExtra, match="pip install llama-index-core"):
        LlamaIndexEmbedding(model)
