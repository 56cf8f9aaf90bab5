"""Older stores open and are brought up to date; columns that a later version adds are left alone."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import InputError
from accord.retrieval import verify
from accord.retrieval.files.columns import Column, columns_text
from accord.retrieval.files.manifest import set_meta
from accord.retrieval.files.schema import SCHEMA_VERSION, SEGMENTS
from accord.retrieval.files.segments import insert_segment, write_segment


def schema_version(path):
    with closing(sqlite3.connect(path / "store.sqlite")) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def set_back(path, version):
    """Make a store what an earlier version of accord would have made."""
    with closing(sqlite3.connect(path / "store.sqlite")) as connection:
        if version < 2:
            connection.execute("DELETE FROM meta WHERE key = 'columns'")
        if version < 3:
            connection.execute("DELETE FROM meta WHERE key = 'lexical'")
            connection.execute("DROP TABLE lexical")
            connection.execute("DROP TABLE sidecars")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()


def words(path, query):
    """Slots of the documents that a lexical query finds, after FTS5's own look at its index."""
    with closing(sqlite3.connect(path / "store.sqlite")) as connection:
        connection.execute("INSERT INTO lexical (lexical, rank) VALUES ('integrity-check', 1)")
        found = connection.execute("SELECT rowid FROM lexical WHERE lexical MATCH ? ORDER BY rowid", (query,))
        return [slot for (slot,) in found]


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_schema_opens_and_is_brought_up_to_date(filled, rng, rows, version):
    path = filled.path
    queries = rows(rng, 3)
    wanted = filled.search_vectors(queries, 5)
    filled.close()
    set_back(path, version)
    assert verify(path).problems == ()
    with accord.retrieval.open(path) as store:
        assert store.search_vectors(queries, 5)[0] == wanted[0]
        with store.write() as writer:
            writer.delete([])
        assert schema_version(path) == version  # nothing was written
        with store.write() as writer:
            writer.add([{"id": "new", "text": "t"}], queries[:1])
        assert schema_version(path) == SCHEMA_VERSION
        assert store.search(queries[0], 1)[0].id == "new"
    assert verify(path).problems == ()
    assert words(path, "text") == list(range(30))
    assert words(path, "t") == [30]


def test_the_words_of_a_store_follow_its_documents(filled, rng, rows):
    path = filled.path
    assert words(path, "title AND 7") == [7]
    with filled.write() as writer:
        writer.delete(["d07"])
        writer.update([{"id": "d08", "n": -8}, {"id": "d09", "title": "Café au lait"}])
        writer.update([{"id": "d10", "text": "something else"}], rows(rng, 1))
    assert words(path, "title AND 7") == []
    assert words(path, "cafe") == [9]
    assert words(path, "8") == [8]
    assert words(path, "something") == [30]
    assert words(path, "text : 10") == []
    with pytest.raises(InputError), filled.write() as writer:
        writer.delete(["d11"])
        writer.delete(["nobody"])
    assert words(path, "11") == [11]


def add_ragged(path, spans):
    """What a later version may do: a column of several vectors a document beside the ones that there are."""
    tokens = Column(field="tokens", layout="ragged", dtype="<f2", dim=4, use="late")
    with closing(sqlite3.connect(path / "store.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for start, slots in spans:
            rows = np.ones((2 * slots, 4), dtype=np.float16)
            segment = write_segment(path / SEGMENTS, start, [rows], field="tokens")
            insert_segment(connection, dataclasses.replace(segment, layout="ragged", slots=slots))
        with accord.retrieval.open(path) as store:
            columns = store._snapshot.manifest.columns
        set_meta(connection, "columns", columns_text((*columns, tokens)))
        connection.execute("COMMIT")


def test_a_column_of_a_later_version_is_left_alone(filled, coded, rng, rows):
    for store in (filled, coded):
        queries = rows(rng, 3)
        wanted = store.search_vectors(queries, 5)
        column = store._snapshot.manifest.scanned
        spans = [(s.start, s.slots) for s in store._snapshot.manifest.of(column)]
        store.close()
        add_ragged(store.path, spans)
        assert verify(store.path).problems == ()
        with accord.retrieval.open(store.path) as opened:
            assert opened.search_vectors(queries, 5)[0] == wanted[0]
            with pytest.raises(InputError, match=r"column 'tokens' \(ragged, <f2\), which this accord cannot write"):
                opened.write().__enter__()


def test_columns_without_a_segment_for_every_span_are_damage(filled):
    filled.close()
    add_ragged(filled.path, [(0, 30)])
    assert any("different slots" in problem.detail for problem in verify(filled.path).problems)
