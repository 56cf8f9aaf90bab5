"""Text queries go through the model that made the vectors, or through none."""

from __future__ import annotations

import numpy as np
import pytest

import accord.encoders
import accord.retrieval
from accord.core.errors import InputError, ModelError
from accord.retrieval import Store


class Letters:
    """Counts letters; enough of an encoder to search with."""

    dim = 26

    def __init__(self, fingerprint="f0", prompts=None):
        self._fingerprint = fingerprint
        self.prompts = {"query": ""} if prompts is None else prompts
        self.asked = []

    def fingerprint(self):
        return self._fingerprint

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        self.asked.append((list(texts), prompt_name))
        return self.encode_document(texts)

    def encode_document(self, texts, *, prompt_name=None, progress=None):
        return np.array([[text.count(chr(97 + n)) for n in range(26)] for text in texts], dtype=np.float32)


@pytest.fixture
def store(tmp_path):
    texts = ["zebra", "apple", "banana", "quizzical"]
    record = {"dim": 26, "path": "../model", "fingerprint": "f0", "prompts": {"query": ""}}
    store = Store.create(tmp_path / "run" / "index", model=record)
    with store.write() as writer:
        writer.add([{"id": text, "text": text} for text in texts], Letters().encode_document(texts))
    return store


def test_the_recorded_model_is_loaded_once_beside_the_store(store, monkeypatch):
    (store.path.parent / "model").mkdir()
    loaded = []

    def load(name, **options):
        loaded.append((name, options))
        return Letters()

    monkeypatch.setattr(accord.encoders, "load", load, raising=False)
    assert store.search("nab", k=2)[0].id == "banana"
    assert store.search("zz", k=1)[0].id == "quizzical"
    assert loaded == [(str((store.path.parent / "model").resolve()), {})]


def test_a_given_encoder_is_asked_with_the_query_prompt(store):
    encoder = Letters(prompts={"query": "", "document": ""})  # empty prompts are no other prompts
    asked = accord.retrieval.open(store.path, model=encoder)
    assert asked.search("pal")[0].id == "apple"
    asked.search("pal", prompt_name="other")
    assert encoder.asked == [(["pal"], None), (["pal"], "other")]


@pytest.mark.parametrize(
    ("encoder", "match"),
    [
        (Letters("f1"), "fingerprint is 'f1', but .* were made with 'f0'. Search with ../model, or index"),
        (Letters(prompts={"query": "query: "}), "prompts"),
    ],
)
def test_another_model_is_an_error_with_the_cure(store, encoder, match):
    asked = accord.retrieval.open(store.path, model=encoder)
    with pytest.raises(ModelError, match=match):
        asked.search("pal")
    with pytest.raises(ModelError, match=match):  # and stays one
        asked.search("pal")
    assert asked.search(Letters().encode_document(["pal"])[0])[0].id == "apple"


def test_a_store_without_a_model_takes_vectors_only(empty):
    with empty.write() as writer:
        writer.add([{"text": "t"}], np.eye(8)[:1])
    with pytest.raises(InputError, match="does not say which model"):
        empty.search("t")
