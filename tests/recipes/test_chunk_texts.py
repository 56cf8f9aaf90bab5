"""Texts are cut at sentences or words, every chunk says where it was, and a store follows when its texts change."""

import json

import pytest
from tiny_models import tiny_encoder_folder

from accord.core.errors import InputError
from accord.encoders import load
from accord.recipes.chunk_texts import read_chunking
from accord.recipes.index_texts import index_file
from accord.retrieval import best_of_parents, by_parent, verify
from accord.retrieval import open as open_store

WORDS = ["read", "write", "open", "close", "list", "file", "row", "name", "code", "text", "send", "load"]
LONG = {
    name: " ".join(f"The {word} is number {n} of {name}." for n, word in enumerate(WORDS[:count]))
    for name, count in (("a", 12), ("b", 3), ("c", 1))
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("model") / "m"))


def write(path, texts):
    path.write_text(
        "".join(json.dumps({"_id": n, "title": n, "text": t, "long": len(t)}) + "\n" for n, t in texts.items())
    )
    return path


def chunks(store, parent):
    found = [store.get(name) for name in store.ids()]
    return sorted((d for d in found if d.metadata["parent"] == parent), key=lambda d: d.metadata["chunk"])


@pytest.mark.parametrize("chunk", ["sentences:2", "sentences:1", "tokens:9", "tokens:2"])
def test_chunks_are_parts_of_their_text_in_order(tmp_path, model, chunk):
    done = index_file(model, write(tmp_path / "c.jsonl", LONG), tmp_path / "s", chunk=chunk)
    with open_store(tmp_path / "s") as store:
        assert len(store) == done.chunks == done.added
        assert done.rows == 3
        for name, text in LONG.items():
            found = chunks(store, name)
            assert [d.id for d in found] == [f"{name}#{n}" for n in range(len(found))]
            end = 0
            for d in found:
                m = d.metadata
                assert d.text == text[m["start"] : m["end"]]
                assert d.text == d.text.strip() != ""
                assert text[end : m["start"]].strip() == ""  # nothing is left out
                assert (d.title, m["long"]) == (name, len(text))
                end = m["end"]
            assert end == len(text)
        if chunk == "sentences:2":
            assert [len(chunks(store, name)) for name in LONG] == [6, 2, 1]
        if chunk == "tokens:9":
            tokenizer = load(model).tokenizer
            assert all(len(tokenizer.tokenize(store.get(name).text)) <= 9 for name in store.ids())
    assert verify(tmp_path / "s").ok


def test_a_store_of_chunks_follows_its_texts(tmp_path, model):
    index_file(model, write(tmp_path / "c.jsonl", LONG), tmp_path / "s", chunk="sentences:1")
    again = index_file(model, tmp_path / "c.jsonl", tmp_path / "s", chunk="sentences:1")
    assert (again.added, again.changed, again.unchanged, again.removed) == (0, 0, 16, 0)
    shorter = LONG | {"a": "Something else. And more."}
    done = index_file(model, write(tmp_path / "c.jsonl", shorter), tmp_path / "s", chunk="sentences:1")
    assert (done.changed, done.unchanged, done.removed) == (2, 4, 10)
    with open_store(tmp_path / "s") as store:
        assert len(store) == 6
    with pytest.raises(InputError, match="another chunk: 'sentences:1', not None"):
        index_file(model, tmp_path / "c.jsonl", tmp_path / "s")


def test_the_best_chunk_speaks_for_its_text(tmp_path, model):
    index_file(model, write(tmp_path / "c.jsonl", LONG), tmp_path / "s", chunk="sentences:1")
    with open_store(tmp_path / "s") as store:
        every = store.search("the file is number 5 of a", 16)
        hits = best_of_parents(lambda n: store.search("the file is number 5 of a", n), 3)
        assert hits == by_parent(every)
        assert sorted(hit.metadata["parent"] for hit in hits) == ["a", "b", "c"]
        assert [hit.rank for hit in hits] == [1, 2, 3]
        assert hits[0].id == every[0].id
        assert len(best_of_parents(lambda n: store.search("file", n), 2)) == 2
        assert len(best_of_parents(lambda n: store.search("file", n), 50)) == 3


@pytest.mark.parametrize("words", ["sentence:5", "tokens", "tokens:0", "tokens:-3", "tokens:2.5", "", 5])
def test_what_is_no_way_to_cut(words):
    with pytest.raises(InputError, match="`chunk` must be sentences:NUMBER, tokens:NUMBER or none"):
        read_chunking(words)


def test_chunks_that_the_model_cannot_read_and_taken_names(tmp_path, model):
    path = write(tmp_path / "c.jsonl", LONG)
    with pytest.raises(InputError, match="asks for 100000 tokens, and the model reads"):
        index_file(model, path, tmp_path / "s", chunk="tokens:100000")
    path.write_text(json.dumps({"id": "a", "text": "t", "parent": "x"}) + "\n")
    with pytest.raises(InputError, match="has a column `parent`"):
        index_file(model, path, tmp_path / "s", chunk="sentences:1")
    assert not (tmp_path / "s").exists()
