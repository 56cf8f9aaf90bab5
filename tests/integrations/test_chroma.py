"""Chroma applies the query prompt, and opens a collection with the model that filled it.

Where Chroma is not installed, a stand-in of its published interface takes its place.
"""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_encoder

from accord.core.errors import InputError, MissingExtra

INSTALLED = importlib.util.find_spec("chromadb") is not None
STAND_INS = Path(__file__).parent / "stand_ins"


@pytest.fixture
def chroma(monkeypatch):
    """(our class, Chroma's module of embedding functions)."""
    if not INSTALLED:
        monkeypatch.syspath_prepend(str(STAND_INS))
        for name in [n for n in sys.modules if n.startswith("chromadb")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delitem(sys.modules, "accord.integrations.chroma", raising=False)
    module = importlib.import_module("accord.integrations.chroma")
    yield module.ChromaEmbeddingFunction, importlib.import_module("chromadb.utils.embedding_functions")
    if not INSTALLED:
        sys.modules.pop("accord.integrations.chroma", None)
        for name in [n for n in sys.modules if n.startswith("chromadb")]:
            del sys.modules[name]


@pytest.fixture
def folder(model, tmp_path):
    model.save(tmp_path / "m")
    return str(tmp_path / "m")


def test_queries_take_the_query_prompt(chroma, folder, model, texts):
    host = chroma[0](folder, device="cpu")
    found = np.array(host.embed_query(texts))
    np.testing.assert_allclose(found, model.encode_query(texts), atol=1e-6)
    assert np.abs(found - model.encode(texts)).max() > 0.05
    np.testing.assert_allclose(np.array(host(texts)), model.encode_document(texts), atol=1e-6)


def test_it_is_made_again_from_its_configuration(chroma, folder, texts):
    kind, functions = chroma
    host = kind(folder, device="cpu")
    assert importlib.import_module("chromadb.api.types").EmbeddingFunction in kind.__mro__
    assert not host.is_legacy()
    config = json.loads(json.dumps({"name": kind.name(), "config": host.get_config()}))
    again = functions.config_to_embedding_function(config)
    assert again.get_config() == host.get_config()
    assert np.array_equal(np.array(again.embed_query(texts)), np.array(host.embed_query(texts)))


def test_another_model_under_the_same_name_is_refused(chroma, folder):
    kind, _ = chroma
    config = kind(folder, device="cpu").get_config()
    tiny_encoder(seed=1).save(folder)
    with pytest.raises(InputError, match="filled by a model with the fingerprint"):
        kind.build_from_config(config)


@pytest.mark.parametrize(("name", "space"), [("cosine", "cosine"), ("dot", "ip"), ("euclidean", "l2")])
def test_the_space_is_the_model_s_own(chroma, tmp_path, name, space):
    tiny_encoder(similarity_name=name).save(tmp_path / "m")
    host = chroma[0](str(tmp_path / "m"), device="cpu")
    assert host.default_space() == space
    assert space in host.supported_spaces()


def test_what_cannot_be_kept_is_refused(chroma, folder, model):
    kind, _ = chroma
    with pytest.raises(InputError, match="save the encoder and give its folder"):
        kind(model)
    with pytest.raises(InputError, match="Unknown key `modle`"):
        kind.build_from_config({"modle": folder})
    with pytest.raises(InputError, match="lacks the name"):
        kind.build_from_config({"task": "faq"})
    host = kind(folder, device="cpu")
    host.validate_config_update(host.get_config(), host.get_config() | {"model": "elsewhere"})
    with pytest.raises(InputError, match="`task` of a filled collection"):
        host.validate_config_update(host.get_config(), {"task": "faq"})


@pytest.mark.skipif(not INSTALLED, reason="chromadb is not installed")
def test_a_collection_finds_with_it(chroma, folder, model, texts, tmp_path):
    import chromadb

    client = chromadb.PersistentClient(str(tmp_path / "db"))
    collection = client.create_collection("faq", embedding_function=chroma[0](folder))
    collection.add(ids=["0", "1", "2"], documents=texts)
    found = chromadb.PersistentClient(str(tmp_path / "db")).get_collection("faq").query(query_texts=[texts[0]])
    scores = model.encode_document(texts) @ model.encode_query(texts[0])
    np.testing.assert_allclose(sorted(found["distances"][0]), sorted(1 - scores), atol=1e-5)


@pytest.mark.skipif(INSTALLED, reason="chromadb is installed")
def test_without_chroma_the_error_says_what_to_install(folder):
    from accord.integrations.chroma import ChromaEmbeddingFunction

    with pytest.raises(MissingExtra, match="pip install chromadb"):
        ChromaEmbeddingFunction(folder)
