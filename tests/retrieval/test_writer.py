"""Adding, replacing and changing documents, with and without vectors."""

from __future__ import annotations

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import InputError, ModelError
from accord.retrieval import Store, kept_column, verify


class Hashed:
    """An encoder that counts what it is asked, and gives each text its own direction."""

    dim = 8

    def __init__(self, name="f0"):
        self.name, self.asked = name, []

    def fingerprint(self):
        return self.name

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        return self.encode_document(texts)

    def encode_document(self, texts, *, prompt_name=None, progress=None):
        self.asked += texts
        return np.stack([np.random.default_rng(list(text.encode())).standard_normal(8) for text in texts])


@pytest.fixture
def modelled(empty):
    path = empty.path
    empty.close()
    with accord.retrieval.open(path, model=Hashed()) as store:
        with store.write() as writer:
            writer.add([{"id": f"d{n}", "text": f"text {n}", "title": "T", "n": n} for n in range(5)])
        yield store


def test_texts_are_encoded_by_the_stores_model_title_first(modelled):
    assert modelled.model.asked == [f"T text {n}" for n in range(5)]
    assert modelled.search("T text 3", 1)[0].id == "d3"
    assert verify(modelled.path).problems == ()


def test_upsert_replaces_whole_documents(modelled):
    with modelled.write() as writer:
        assert writer.upsert([{"id": "d1", "text": "other"}, {"id": "new", "text": "fresh"}]) == ["d1", "new"]
    assert modelled.get("d1").metadata == {} and modelled.get("d1").title == ""
    assert [modelled.search(text, 1)[0].id for text in ("other", "fresh")] == ["d1", "new"]
    assert len(modelled) == 6 and len(modelled.search("other", 5, mode="lexical")) == 1
    with modelled.write() as writer:
        writer.upsert([{"id": "d1", "text": "with a vector"}], np.eye(8)[:1])
        with pytest.raises(InputError, match="same id"):
            writer.upsert([{"id": "a", "text": "t"}, {"id": "a", "text": "u"}])
    assert modelled.search(np.eye(8)[0], 1)[0].id == "d1"
    assert verify(modelled.path).problems == ()


def test_an_update_encodes_only_what_changed(modelled):
    modelled.model.asked.clear()
    before = modelled.vectors(["d0", "d2"])
    with modelled.write() as writer:
        writer.update([{"id": "d0", "n": -1}, {"id": "d1", "text": "changed"}, {"id": "d2", "title": "U"}])
    assert modelled.model.asked == ["T changed"]
    assert np.array_equal(modelled.vectors(["d0", "d2"]), before)
    assert modelled.get("d0").metadata == {"n": -1} and modelled.get("d1").metadata == {"n": 1}
    assert modelled.search("T changed", 1)[0].id == "d1"
    assert verify(modelled.path).problems == ()


def test_another_model_adds_nothing(modelled):
    with accord.retrieval.open(modelled.path, model=Hashed("other")) as store:
        with pytest.raises(ModelError, match="fingerprint"), store.write() as writer:
            writer.add([{"text": "t"}])
        assert len(store) == 5


def test_texts_without_vectors_need_a_model(empty):
    with empty.write() as writer:
        with pytest.raises(InputError, match=r"does not say which model.*give vectors"):
            writer.add([{"text": "t"}])
        assert writer.add([]) == []
    assert empty.version == 0


def test_vectors_with_ids_and_no_texts(modelled, rng, rows):
    made = rows(rng, 3)
    with modelled.write() as writer:
        assert writer.add_vectors(["v0", "v1", "v2"], made, [{"n": 1}, {}, {"text": "ignored"}]) == ["v0", "v1", "v2"]
        writer.update([{"id": "v1", "n": 7}])
        with pytest.raises(InputError, match="already holds the id 'v0'"):
            writer.add_vectors(["v0"], made[:1])
        with pytest.raises(InputError, match="entry for each of 1"):
            writer.add_vectors(["v9"], made[:1], [])
        with pytest.raises(InputError, match="has no text to encode"):
            writer.add_vectors(["v9"], None)
    hit = modelled.search(made[1], 1)[0]
    assert (hit.id, hit.text, hit.metadata) == ("v1", "", {"n": 7})
    assert verify(modelled.path).problems == ()
    with modelled.write() as writer:
        writer.update([{"id": "v1", "text": "a text after all"}])
    assert modelled.search("a text after all", 1)[0].id == "v1"


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        (None, "keeps the column 'tokens'"),
        ({"tokens": [np.ones((1, 4))], "other": 1}, "no further column 'other'"),
        ({"tokens": [np.ones((1, 3))]}, r"columns\['tokens'\]\[0\].*shape \(rows, 4\)"),
        ({"tokens": []}, "a matrix for each of 1"),
        ({"tokens": "x"}, "list with a matrix"),
        ({"tokens": [np.full((1, 4), np.nan)]}, "finite"),
        ({"tokens": [np.full((1, 4), 1e6)]}, "float16"),
    ],
)
def test_further_columns_are_checked_before_anything_is_written(tmp_path, columns, match):
    tokens = kept_column("tokens", 4, ragged=True)
    with Store.create(tmp_path / "s", model={"dim": 8}, columns=[tokens]) as store:
        with store.write() as writer:
            with pytest.raises(InputError, match=match):
                writer.add([{"text": "t"}], np.eye(8)[:1], columns=columns)
            writer.add([{"text": "t"}], np.eye(8)[:1], columns={"tokens": [np.ones((0, 4))]})
        assert len(store) == 1 and verify(store.path).problems == ()
