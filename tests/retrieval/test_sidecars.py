"""Sidecars: hashed before FAISS reads a byte, ignored when they do not fit, complete in their answers."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from accord.core.errors import InputError, StorageError
from accord.retrieval import Store, StoreLocked, sidecars
from accord.retrieval.dense import HNSW, IVF
from accord.retrieval.files.derived import read_sidecars
from accord.retrieval.files.lock import writer_lock
from accord.retrieval.files.schema import DERIVED, connect

pytest.importorskip("faiss")
SMALL = HNSW(links=8, ef_search=64)


@pytest.fixture(scope="module")
def indexed_folder(tmp_path_factory):
    rng = np.random.default_rng(9)
    path = tmp_path_factory.mktemp("indexed") / "store"
    with Store.create(path, model={"dim": 8, "fingerprint": "f0"}) as store:
        with store.write() as writer:
            rows = rng.standard_normal((400, 8)).astype(np.float32)
            writer.add([{"id": f"d{n:03}", "text": f"text {n}", "n": n} for n in range(400)], rows)
        store.build_index(SMALL)
    return path


@pytest.fixture
def indexed(indexed_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "AUTO_ROWS", 0)
    with Store(shutil.copytree(indexed_folder, tmp_path / "store")) as store:
        yield store


def file_of(store, kind="hnsw"):
    (found,) = (store.path / DERIVED).glob(f"{kind}-*")
    return found


def asked(store, queries, index="auto", **rules):
    return store.search_vectors(queries, 5, index=index, **rules)


def used(store):
    """Whether searches ask an index, by the watch over them."""
    store.recall.share = 1.0
    before = store.recall.estimate()
    asked(store, np.eye(8)[:1])
    return store.recall.estimate() != before


@pytest.fixture
def queries(rng, rows):
    return rows(rng, 20)


def test_build_search_and_stats(indexed, queries):
    ids, scores = asked(indexed, queries)
    right, exact = asked(indexed, queries, "exact")
    assert (scores >= exact[:, -1:]).mean() > 0.97
    assert used(indexed)
    stats = indexed.stats()
    (index,) = stats.indexes
    assert (index.kind, index.rows, index.newer, index.version) == ("HNSW", 400, 0, 1)
    assert index.bytes == file_of(indexed).stat().st_size
    assert stats.recall.queries == 1
    assert [hit.id for hit in indexed.search(queries[0], 5)] == ids[0]
    assert set(map(len, right)) == {5}


def test_queries_that_no_index_answered_say_nothing_of_its_recall(indexed, queries):
    indexed.recall.share = 1.0
    asked(indexed, queries, where="id in ('d001', 'd002', 'd003')")  # so few are compared one by one
    assert indexed.recall.estimate() is None
    asked(indexed, queries)
    assert indexed.recall.estimate().queries == 20


def test_few_documents_are_compared_one_by_one(indexed, monkeypatch):
    monkeypatch.setattr(sidecars, "AUTO_ROWS", 401)
    assert not used(indexed)


def test_changes_after_the_build_show_at_once(indexed, queries, rng, rows):
    with indexed.write() as writer:
        writer.delete([f"d{n:03}" for n in range(0, 400, 3)])
        writer.add([{"id": f"n{n}", "text": "new"} for n in range(30)], np.vstack([queries, rows(rng, 10)]))
    ids, scores = asked(indexed, queries)
    assert [found[0] for found in ids] == [f"n{n}" for n in range(20)]
    assert (scores >= asked(indexed, queries, "exact")[1][:, -1:]).mean() > 0.97
    assert used(indexed)
    assert indexed.stats().indexes[0].newer == 30


@pytest.mark.parametrize("where", ["n < 3", "n < 40", "n < 350"])
def test_a_filter_gets_all_that_pass(indexed, queries, where):
    ids, scores = asked(indexed, queries, where=where)
    assert np.array_equal(scores, asked(indexed, queries, "exact", where=where)[1])
    assert set(map(len, ids)) == {min(5, int(where[4:]))}


@pytest.mark.parametrize("at", [0, 60, 1000, -1])
def test_a_changed_file_is_never_parsed(indexed, queries, at, monkeypatch, caplog):
    file = file_of(indexed)
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    monkeypatch.setattr(sidecars, "read_index", lambda *_: pytest.fail("parsed"))
    with Store(indexed.path) as store, caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert np.array_equal(asked(store, queries)[1], asked(store, queries, "exact")[1])
        assert not used(store)
    assert len(caplog.records) == 1
    assert "does not match its SHA-256" in caplog.text


@pytest.mark.parametrize("how", ["gone", "short", "empty", "row"])
def test_what_is_missing_is_left_alone_and_made_anew(indexed, queries, how, caplog):
    file = file_of(indexed)
    if how == "gone":
        file.unlink()
    elif how == "row":
        with closing(connect(indexed.path)) as connection:
            connection.execute("UPDATE sidecars SET sha256 = ?", (bytes(32),))
            assert read_sidecars(connection)[1] == [f"the row of sidecar {file.name!r} was changed"]
    else:
        file.write_bytes(file.read_bytes()[:100] if how == "short" else b"")
    with Store(indexed.path) as store:
        assert np.array_equal(asked(store, queries)[1], asked(store, queries, "exact")[1])
        assert len(caplog.records) == (how != "row")
        store.build_index(SMALL)
        assert used(store)
        assert file_of(store) != file


def test_an_index_of_other_rows_is_found_out(indexed, rng, rows, caplog):
    other = indexed.path.with_name("other")
    with Store.create(other, model={"dim": 8}) as store:
        with store.write() as writer:
            writer.add([{"id": str(n), "text": "t"} for n in range(400)], rows(rng, 400))
        store.build_index(SMALL)
        mine, theirs = file_of(indexed), file_of(store)
        shutil.copy(mine, theirs.with_name(mine.name))
        with closing(connect(indexed.path)) as connection:
            row = connection.execute("SELECT * FROM sidecars").fetchone()
        with closing(connect(other)) as connection:
            connection.execute("DELETE FROM sidecars")
            connection.execute("INSERT INTO sidecars VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        store.refresh()
        assert not used(store)
    assert "other rows" in caplog.text


def test_kinds_stand_side_by_side_and_settings_choose(indexed, queries):
    with pytest.raises(InputError, match="no index of the kind IVF"):
        asked(indexed, queries, IVF())
    indexed.build_index(IVF(lists=8, probes=1))
    assert [index.kind for index in indexed.stats().indexes] == ["HNSW", "IVF"]
    exact = asked(indexed, queries, "exact")[1]
    shares = [(asked(indexed, queries, IVF(probes=n))[1] >= exact[:, -1:]).mean() for n in (1, 8)]
    assert shares[0] < shares[1]
    assert shares[1] > 0.97
    indexed.build_index(HNSW(links=4))
    assert len(list((indexed.path / DERIVED).iterdir())) == 2
    with pytest.raises(InputError, match="`index` must be 'auto'"):
        asked(indexed, queries, "faiss")
    for bad in ("Flat", "exact_search", "fractions:Fraction", "fractions:Fraction: {numerator: 1}", "[", 3):
        with pytest.raises(InputError, match="ann"):
            indexed.build_index(bad)


def test_an_index_that_covers_all_rows_stays(indexed):
    before = file_of(indexed)
    assert not indexed.build_index(SMALL)
    assert file_of(indexed) == before
    with indexed.write() as writer:
        writer.add([{"id": "new", "text": "new"}], np.eye(8)[:1])
    assert indexed.build_index("HNSW: {links: 8, ef_search: 64}")
    assert indexed.stats().indexes[0].newer == 0


def test_half_precision_rows_of_a_store_of_codes(coded, rng, rows, monkeypatch):
    monkeypatch.setattr(sidecars, "AUTO_ROWS", 0)
    coded.build_index(HNSW(links=4))
    queries = rows(rng, 9)
    assert np.array_equal(asked(coded, queries)[1], asked(coded, queries, "exact")[1])
    assert used(coded)
    assert np.array_equal(asked(coded, queries, rescore=6)[1], asked(coded, queries, "exact")[1])


def test_dot_products(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(sidecars, "AUTO_ROWS", 0)
    rows = (rng.standard_normal((300, 8)) * rng.uniform(0.1, 4, (300, 1))).astype(np.float32)
    with Store.create(tmp_path / "dot", model={"dim": 8, "similarity": "dot"}) as store:
        with store.write() as writer:
            writer.add([{"id": str(n), "text": "t"} for n in range(300)], rows)
        store.build_index(HNSW(links=8, ef_search=100))
        queries = rng.standard_normal((20, 8))
        assert (asked(store, queries)[1] >= asked(store, queries, "exact")[1][:, -1:]).mean() > 0.95


def test_a_writer_at_work_is_waited_for(indexed, monkeypatch):
    monkeypatch.setattr(sidecars, "_WAIT", 0.0)
    before = file_of(indexed)
    with writer_lock(indexed.path), pytest.raises(StoreLocked):
        indexed.build_index(HNSW(links=6))
    assert file_of(indexed) == before
    assert used(indexed)


def test_leftovers_of_killed_builders_go(indexed):
    stray = indexed.path / DERIVED / "hnsw-000000000009-abc.faiss"
    stray.write_bytes(b"x")
    indexed.build_index(HNSW(links=6))
    assert not stray.exists()


def test_a_builder_that_fails_leaves_the_store_as_it_was(indexed, queries, monkeypatch):
    def full(index, path):
        raise RuntimeError("write error")

    before = file_of(indexed)
    monkeypatch.setattr(sidecars, "write_index", full)
    with pytest.raises(StorageError, match="Nothing was kept"):
        indexed.build_index(HNSW(links=6))
    assert list((indexed.path / DERIVED).iterdir()) == [before]
    assert used(indexed)


def test_nothing_to_index(empty):
    with pytest.raises(InputError, match="holds no documents"):
        empty.build_index(SMALL)


def test_settings_are_json_that_names_what_is_covered(indexed):
    with closing(sqlite3.connect(indexed.path / "store.sqlite")) as connection:
        kind, settings = connection.execute("SELECT kind, settings FROM sidecars").fetchone()
    assert kind == "HNSW"
    assert json.loads(settings)["runs"] == [[0, 400]]


def test_range_search(indexed, queries):
    every = indexed.search(queries[0], 400, index="exact")
    found = indexed.search_range(queries[0], 0.25)
    assert found == [hit for hit in every if hit.score >= 0.25]
    assert (
        indexed.search_range(queries[0], 0.0, where="n < 20")
        == indexed.search(queries[0], 400, where="n < 20", index="exact")[
            : len(indexed.search_range(queries[0], 0.0, where="n < 20"))
        ]
    )
    assert indexed.search_range(queries[0], 2.0) == []
    with pytest.raises(InputError, match="least_score"):
        indexed.search_range(queries[0], float("nan"))
