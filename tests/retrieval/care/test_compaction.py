"""Compaction: answers stay, dead rows leave, and nobody is disturbed."""

from __future__ import annotations

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import StorageError
from accord.retrieval import Store, StoreLocked, compact, kept_column, verify
from accord.retrieval.care import compaction


def said(store):
    """Everything that a store answers."""
    ids = store.ids()
    found, scores = store.search_vectors(np.eye(8) - 0.3, 100)
    words = [(hit.id, hit.score) for hit in store.search("text 7", 50, mode="lexical")]
    return ids, found, scores.tolist(), words, [store.get(name) for name in ids], store.vectors().tolist()


@pytest.fixture
def holed(filled):
    with filled.write() as writer:
        writer.delete(["d00", "d03", "d21", "d29"])
        writer.update([{"id": "d04", "n": -4}])
        writer.upsert([{"id": "d05", "text": "text 5 again"}], np.ones((1, 8)))
    return filled


def test_answers_stay_and_dead_rows_leave(holed):
    before = said(holed)
    report = compact(holed.path)
    assert (report.documents, report.dropped, report.segments_after) == (26, 5, 1)
    assert said(holed) == before  # a reader of the commit before
    with accord.retrieval.open(holed.path) as store:
        assert said(store) == before
        assert store.stats().deleted == 0 and store.version == holed.version + 1
    assert verify(holed.path).problems == ()
    again = compact(holed.path)
    assert again.dropped == 0 and again.segments_after == 1
    holed.refresh()
    with holed.write() as writer:
        writer.add([{"id": "new", "text": "new"}], np.ones((1, 8)))
        writer.delete(["d04"])
    assert verify(holed.path).problems == ()


def test_codes_and_further_columns_go_along(coded, tmp_path, rng, rows):
    with coded.write() as writer:
        writer.delete([f"d{n:02}" for n in range(0, 30, 2)])
    before = coded.search_vectors(rows(rng, 3), 50)[0]
    compact(coded.path)
    assert [sorted(found) for found in coded.refresh().search_vectors(rows(rng, 3), 50)[0]] == [
        sorted(found) for found in before
    ]
    columns = [kept_column("tokens", 4, ragged=True), kept_column("side", 3)]
    with Store.create(tmp_path / "kept", model={"dim": 8}, columns=columns) as store:
        tokens = [np.full((n % 4, 4), n, dtype=np.float16) for n in range(12)]
        side = np.arange(36, dtype=np.float16).reshape(12, 3)
        for first in (0, 6):
            some = slice(first, first + 6)
            with store.write() as writer:
                records = [{"id": str(n), "text": str(n)} for n in range(first, first + 6)]
                writer.add(records, rows(rng, 6), columns={"tokens": tokens[some], "side": side[some]})
        with store.write() as writer:
            writer.delete(["0", "3", "7", "11"])
        compact(store.path)
        store.refresh()
        kept = [int(name) for name in store.ids()]
        assert np.array_equal(store.column("side"), side[kept])
        ragged = store.column("tokens")
        assert np.array_equal(ragged.values, np.concatenate([tokens[n] for n in kept]))
        assert verify(store.path).problems == ()


def test_an_empty_store_and_one_without_anything_left(empty, rng, rows):
    assert compact(empty.path).documents == 0
    with empty.write() as writer:
        writer.add([{"id": "a", "text": "t"}], rows(rng, 1))
    with empty.write() as writer:
        writer.delete(["a"])
    assert compact(empty.path).dropped == 1
    assert len(empty.refresh()) == 0 and verify(empty.path).problems == ()
    with empty.write() as writer:
        writer.add([{"id": "b", "text": "t"}], rows(rng, 1))
    assert empty.ids() == ["b"] and verify(empty.path).problems == ()


def test_large_stores_get_several_segments(holed, monkeypatch):
    before = said(holed)
    monkeypatch.setattr(compaction, "SEGMENT_BYTES", 900)
    assert compact(holed.path).segments_after > 1
    assert said(holed.refresh()) == before


def test_it_neither_waits_for_a_writer_nor_carries_damage_over(holed):
    with holed.write() as writer, pytest.raises(StoreLocked):
        writer.update([{"id": "d06", "n": 0}])
        compact(holed.path)
    file = sorted((holed.path / "segments").iterdir())[0]
    data = bytearray(file.read_bytes())
    data[200] ^= 1
    file.write_bytes(data)
    files = {file.name for file in (holed.path / "segments").iterdir()}
    with pytest.raises(StorageError, match="was changed"):
        compact(holed.path)
    assert {file.name for file in (holed.path / "segments").iterdir()} == files


def test_a_failure_in_the_middle_leaves_the_store_as_it_was(holed, monkeypatch):
    before = said(holed)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compaction, "rebuild", fail)
    with pytest.raises(StorageError):
        compact(holed.path)
    monkeypatch.undo()
    assert said(holed.refresh()) == before
    assert verify(holed.path).ok
    compact(holed.path)
    assert said(holed.refresh()) == before and verify(holed.path).problems == ()
