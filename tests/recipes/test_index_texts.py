"""Files become stores: what was committed is not encoded again, and a store keeps to its model and codec."""

import numpy as np
import pytest
from tiny_corpus import ROWS, write_rows
from tiny_models import tiny_encoder_folder

from accord.compression import codecs
from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.encoders import load
from accord.recipes import corpora, index_texts
from accord.recipes.corpus_rows import text_of
from accord.recipes.index_texts import index_file
from accord.retrieval import open as open_store
from accord.retrieval import verify


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("model") / "m"))


@pytest.fixture
def corpus(tmp_path):
    return write_rows(tmp_path / "corpus.jsonl", ROWS)


@pytest.fixture
def encoded(monkeypatch):
    """Every text that was encoded, in order."""
    texts = []
    whole = corpora.TextCorpus._encode

    def noted(self, some, progress):
        texts.extend(text_of(record) for record in some)
        return whole(self, some, progress)

    monkeypatch.setattr(corpora.TextCorpus, "_encode", noted)
    return texts


@pytest.mark.parametrize("codec", [None, "Sign", "Int8: {tail: 0.01}", codecs.RotatedSign()])
def test_a_file_becomes_a_store_that_answers(tmp_path, model, corpus, encoded, codec):
    done = index_file(model, corpus, tmp_path / "s", codec=codec)
    assert (done.rows, done.added, done.changed, done.unchanged, done.left_out) == (48, 48, 0, 0, 0)
    assert sorted(encoded) == sorted(f"{row['title']} {row['text']}" for row in ROWS)  # each once, the sample too
    with open_store(tmp_path / "s") as store:
        document = store.get("file-read")
        assert (document.title, document.text, document.metadata) == ("file", "read the file", {"length": 8})
        (hit,) = store.search("file read the file", k=1)
        assert hit.id == "file-read"
        vector = load(model).encode_document("file read the file")
        assert store.search(vector, 1)[0].score == pytest.approx(1.0, abs=1e-3)
    assert verify(tmp_path / "s").problems == ()
    assert done.stats.codec == (None if codec is None else str(codec).partition(":")[0].removesuffix("()"))


def test_only_what_is_new_or_changed_is_encoded(tmp_path, model, corpus, encoded, monkeypatch):
    monkeypatch.setattr(index_texts, "COMMIT", 10)
    index_file(model, corpus, tmp_path / "s", codec="Sign")
    encoded.clear()
    again = index_file(model, corpus, tmp_path / "s")
    assert (again.unchanged, encoded) == (48, [])
    rows = [*ROWS[:20], ROWS[20] | {"text": "another text"}, ROWS[21] | {"length": 0}, {"id": "new", "text": "new"}]
    done = index_file(model, write_rows(corpus, rows), tmp_path / "s", codec="Sign")
    assert (done.added, done.changed, done.unchanged) == (1, 2, 20)
    assert len(encoded) == 3
    with open_store(tmp_path / "s") as store:
        assert len(store) == 49  # what the file no longer names stays
        assert store.get(rows[20]["id"]).text == "another text"
        assert store.get(rows[21]["id"]).metadata == {"length": 0}


@pytest.mark.parametrize("codec", [None, "Sign"])
def test_an_interrupted_index_goes_on(tmp_path, model, corpus, encoded, monkeypatch, codec):
    monkeypatch.setattr(index_texts, "COMMIT", 10)
    monkeypatch.setattr(index_texts, "SAMPLE", 16)
    add, calls = corpora.TextCorpus._vectors, []

    def stopping(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return add(self, *arguments)

    monkeypatch.setattr(corpora.TextCorpus, "_vectors", stopping)
    with pytest.raises(Interrupted, match="20 documents are in"):
        index_file(model, corpus, tmp_path / "s", codec=codec)
    encoded.clear()
    done = index_file(model, corpus, tmp_path / "s", codec=codec)
    assert (done.added, done.unchanged, len(encoded)) == (28, 20, 28)


def test_a_bar_counts_every_row_once(tmp_path, model, corpus):
    seen = {}

    class Bars:
        def __call__(self, description, *, total, unit="items"):
            self.description = description
            seen[description] = [total, 0]
            return self

        def __enter__(self):
            name = self.description
            return lambda count: seen[name].__setitem__(1, seen[name][1] + count)

        def __exit__(self, *_):
            pass

    index_file(model, corpus, tmp_path / "s", codec="Sign", progress=Bars())
    assert seen["index"] == [48, 48]
    index_file(model, corpus, tmp_path / "s", progress=Bars())
    assert seen["index"] == [48, 48]


def test_numbers_name_rows_without_ids_and_rows_without_a_text_are_left_out(tmp_path, model):
    rows = [{"body": "read"}, {"body": " "}, {"body": None, "n": 1}, {"body": "write", "text": "not this", "n": None}]
    done = index_file(model, write_rows(tmp_path / "c.jsonl", rows), tmp_path / "s", column="body")
    assert (done.rows, done.left_out) == (2, 2)
    with open_store(tmp_path / "s") as store:
        assert store.ids() == ["0", "3"]
        assert (store.get("3").text, store.get("3").metadata) == ("write", {})


def test_a_title_stands_for_a_missing_text(tmp_path, model, encoded):
    rows = [{"id": "a", "title": "read", "text": ""}, {"id": "b", "title": None, "text": "write"}, {"id": "c"}]
    done = index_file(model, write_rows(tmp_path / "c.jsonl", rows), tmp_path / "s")
    assert (done.added, done.left_out, encoded) == (2, 1, ["read", "write"])


@pytest.mark.parametrize(
    ("rows", "options", "match"),
    [
        (ROWS[:2] + ROWS[:1], {}, r"the id 'read-read' 2 times"),
        (ROWS, {"column": "txt"}, "no column `txt`.*Did you mean `text`"),
        ([{"id": "a", "text": "t"}, {"id": None, "text": "u"}], {}, r"1 row\(s\) without an id"),
        ([{"id": "a", "text": 3}], {}, "`text` must be text"),
        ([{"id": "a", "text": ""}], {}, "no row with a text"),
        (ROWS, {"codec": "Int9"}, "Did you mean Int8|Did you mean `Int8`"),
        (ROWS, {"codec": "{"}, "`codec` must be"),
        (ROWS, {"codec": "Sign", "rescore": "int8"}, "rescore"),
        (ROWS, {"prompt": "nobody"}, "nobody"),
    ],
)
def test_mistakes(tmp_path, model, rows, options, match):
    with pytest.raises(InputError, match=match):
        index_file(model, write_rows(tmp_path / "c.jsonl", rows), tmp_path / "s", **options)
    assert not (tmp_path / "s").exists()


def test_a_store_keeps_to_its_model_and_codec(tmp_path, model, corpus):
    index_file(model, corpus, tmp_path / "s", codec="Sign")
    fitted = open_store(tmp_path / "s").codec
    assert index_file(model, corpus, tmp_path / "s", codec=fitted).unchanged == 48
    codecs.save(fitted, tmp_path / "codec")
    assert index_file(model, corpus, tmp_path / "s", codec=str(tmp_path / "codec")).unchanged == 48
    assert index_file(model, corpus, tmp_path / "other", codec=tmp_path / "codec").added == 48
    other = codecs.Sign().fit(np.eye(32, dtype=np.float32) + 0.1)
    for options, what in (
        ({"codec": "RotatedSign"}, "codec"),
        ({"codec": other}, "codec"),
        ({"codec": "Sign", "rescore": "none"}, "rescore"),
    ):
        with pytest.raises(InputError, match=f"another {what}"):
            index_file(model, corpus, tmp_path / "s", **options)
    stranger = str(tiny_encoder_folder(tmp_path / "stranger", seed=9))
    with pytest.raises(InputError, match="another fingerprint"):
        index_file(stranger, corpus, tmp_path / "s")
    with pytest.raises(InputError, match="made for the model"):
        index_file(stranger, corpus, tmp_path / "t", codec=fitted)
