"""Every bad input is one clear error before anything is written, and the store still opens."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import InputError
from accord.retrieval import Store, verify
from accord.retrieval.files.schema import SCHEMA_VERSION

ONE = np.eye(8)[:1]
TWO = np.eye(8)[:2]


class Odd:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not mine to give")


@pytest.mark.parametrize(
    ("records", "vectors", "match"),
    [
        ([{"id": "a"}], ONE, r"records\[0\] lacks `text`"),
        ([{"text": None}], ONE, "lacks `text`"),
        ([{"text": " \n"}], ONE, "must not be empty"),
        ([{"text": 3}], ONE, "`text` must be a string"),
        ([{"text": "t", "id": 3}], ONE, "`id` must be a string"),
        ([{"text": "t", "id": ""}], ONE, "`id` must not be empty"),
        ([{"text": "t", "id": "a\0"}], ONE, "NUL"),
        ([{"text": "t", "title": ["x"]}], ONE, "`title` must be a string"),
        ([{"text": "\ud800"}], ONE, "not valid Unicode"),
        ([{"text": "t", "x": "\ud800"}], ONE, "`x` must be a JSON value"),
        ([{"text": "t", "x": float("nan")}], ONE, "`x` must be a JSON value"),
        ([{"text": "t", "x": np.int64(3)}], ONE, "`x` must be a JSON value"),
        ([{"text": "t", "x": {1: 2}}], ONE, "the key 1 is not a string"),
        ([{"text": "t", 3: 2}], ONE, "the key 3"),
        (["t"], ONE, "must be a mapping"),
        ({"text": "t"}, ONE, "list of mappings"),
        ([{"text": "t", "id": "a"}, {"text": "u", "id": "a"}], TWO, "same id 'a'"),
        ([{"text": "t"}, {"text": "t"}], TWO, "same id"),
        ([{"text": "t", "id": "d03"}], ONE, "already holds the id 'd03'"),
        ([{"text": "t"}], TWO, r"shape \(1, 8\). Got \(2, 8\)"),
        ([{"text": "t"}], np.eye(7)[:1], r"shape \(1, 8\). Got \(1, 7\)"),
        ([{"text": "t"}], np.eye(8)[0], "shape"),
        ([{"text": "t"}], [["x"] * 8], "must hold numbers"),
        ([{"text": "t"}], [[1], [2, 3]], "matrix of numbers"),
        ([{"text": "t"}], Odd(), "not mine to give"),
        ([{"text": "t"}, {"text": "u"}], [[1] * 8, [np.nan] * 8], r"vectors\[1\] must be finite"),
        ([{"text": "t"}], [[np.inf] * 8], "finite"),
        ([{"text": "t"}], [[1e200] * 8], "finite"),
        ([{"text": "t"}], [[1e30] * 8], "no longer than"),
        ([{"text": "t"}], np.zeros((1, 8)), "all zeros"),
    ],
)
def test_add(filled, records, vectors, match):
    with filled.write() as writer:
        with pytest.raises(InputError, match=match):
            writer.add(records, vectors)
        writer.add([{"id": "good", "text": "t"}], ONE)  # the block goes on
    assert len(filled) == 31
    assert verify(filled.path).problems == ()


@pytest.mark.parametrize(
    ("records", "vectors", "match"),
    [
        ([{"text": "t"}], None, "`id` of a document"),
        ({"id": "d01"}, None, "mapping with the `id`"),
        ([{"id": "nobody"}], None, "no document with the id 'nobody'"),
        ([{"id": "d01"}, {"id": "d01"}], None, "twice"),
        ([{"id": "d01", "text": "other"}], None, "needs a new vector"),
        ([{"id": "d01", "text": ""}], ONE, "must not be empty"),
        ([{"id": "d01", "x": {1}}], None, "JSON"),
        ([{"id": "d01"}], TWO, "shape"),
    ],
)
def test_update(filled, records, vectors, match):
    before = filled.get("d01")
    with filled.write() as writer, pytest.raises(InputError, match=match):
        writer.update(records, vectors)
    assert filled.version == 3
    assert filled.get("d01") == before


@pytest.mark.parametrize("ids", [["nobody"], ["d01", "nobody"], "nobody", [3], ["' OR 1=1 --"]])
def test_delete(filled, ids):
    with filled.write() as writer, pytest.raises(InputError):
        writer.delete(ids)
    assert len(filled) == 30


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None, True])
def test_k(filled, k):
    with pytest.raises(InputError, match="`k` must be"):
        filled.search(ONE[0], k)
    with pytest.raises(InputError, match="`k` must be"):
        filled.search_vectors(ONE, k)


@pytest.mark.parametrize(
    "query", ["", " \t", [], [1.0], np.eye(8), np.zeros(8), np.full(8, np.nan), None, ["a"] * 8, {"a": 1}]
)
def test_query(filled, query):
    with pytest.raises(InputError):
        filled.search(query)


def test_an_empty_store_says_so(empty):
    for ask in (lambda: empty.search("text"), lambda: empty.search(ONE[0]), lambda: empty.search_vectors(ONE)):
        with pytest.raises(InputError, match="holds no documents"):
            ask()
    assert empty.ids() == []


@pytest.mark.parametrize(
    ("model", "match"),
    [
        ({}, "must say its `dim`"),
        ({"dim": 0}, "dim"),
        ({"dim": True}, "dim"),
        ({"dim": "8"}, "dim"),
        ({"dim": 8, "similarity": "cosin"}, "Did you mean `cosine`"),
        ({"dim": 8, "path": 3}, "`path` must be a string"),
        ({"dim": 8, "x": {1, 2}}, "JSON"),
        ("model", "must be a mapping"),
    ],
)
def test_model_record(tmp_path, model, match):
    with pytest.raises(InputError, match=match):
        Store.create(tmp_path / "s", model=model)
    assert not (tmp_path / "s").exists()
    with pytest.raises(InputError, match="`dim` is 9"):
        Store.create(tmp_path / "s", model={"dim": 8}, dim=9)


def test_what_is_not_a_store(tmp_path, filled):
    with pytest.raises(InputError, match="is not a store"):
        accord.retrieval.open(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    with sqlite3.connect(tmp_path / "other" / "store.sqlite") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(InputError, match="not a store of accord"):
        accord.retrieval.open(tmp_path / "other")


def test_a_store_of_a_newer_version(filled):
    path = filled.path
    filled.close()
    with sqlite3.connect(path / "store.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(InputError, match="A newer accord made it"):
        accord.retrieval.open(path)
    assert not verify(path).ok


def test_a_closed_store_says_so(filled):
    filled.close()
    filled.close()
    with pytest.raises(InputError, match="is closed"):
        filled.get("d01")
