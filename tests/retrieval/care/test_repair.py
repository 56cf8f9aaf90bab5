"""Repair: what follows from the rest is made again, what is lost is named, and nothing else changes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import StorageError
from accord.retrieval import Store, verify
from accord.retrieval.care.repair import repair


class Words:
    """An encoder that reads the number at the end of a text."""

    dim = 8

    def fingerprint(self):
        return "f0"

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        return self.encode_document(texts)

    def encode_document(self, texts, *, prompt_name=None, progress=None):
        return np.stack([np.random.default_rng(int(text.split()[-1])).standard_normal(8) for text in texts])


def statement(path, *statements):
    with closing(sqlite3.connect(path / "store.sqlite", isolation_level=None)) as connection:
        for sql in statements:
            connection.execute(sql)


def flip(file, place):
    data = bytearray(file.read_bytes())
    data[place] ^= 4
    file.write_bytes(data)


def test_a_whole_store_is_left_alone(filled):
    filled.close()
    files = {file: file.read_bytes() for file in filled.path.rglob("*") if file.is_file()}
    report = repair(filled.path)
    assert (report.ok, report.rebuilt, report.lost) == (True, (), ())
    assert all(file.read_bytes() == data for file, data in files.items())


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO lexical (rowid, title, text) VALUES (77, 'no', 'such document')",
        "DELETE FROM lexical_docsize WHERE id = 3",
        "UPDATE lexical_data SET block = x'00' WHERE id = 1",
        "DELETE FROM lexical_data WHERE id > 1000",
        "UPDATE lexical_config SET v = 9",
        "INSERT INTO tombstones VALUES (4)",
    ],
)
def test_what_follows_from_the_documents_is_made_again(filled, damage):
    truth = [(hit.id, hit.score) for hit in filled.search("text 7", 5, mode="lexical")]
    filled.close()
    statement(filled.path, damage)
    assert not verify(filled.path).ok
    report = repair(filled.path)
    assert report.ok and not report.lost and len(report.rebuilt) == 1
    assert verify(filled.path).problems == ()
    with accord.retrieval.open(filled.path) as store:
        assert [(hit.id, hit.score) for hit in store.search("text 7", 5, mode="lexical")] == truth
        assert len(store.ids()) == 30


def test_a_note_that_is_gone_is_written_again(filled):
    filled.close()
    (filled.path / "version.json").unlink()
    assert not verify(filled.path).ok
    report = repair(filled.path)
    assert report.ok and "note" in report.rebuilt[0]


def test_a_changed_document_is_named_and_leaves_only_when_told_to(filled):
    filled.close()
    statement(filled.path, "UPDATE documents SET text = 'forged' WHERE id = 'd05'")
    report = repair(filled.path)
    assert not report.ok and report.lost == ("document 'd05': the row does not match its hash",)
    with accord.retrieval.open(filled.path) as store, pytest.raises(StorageError, match="'d05' was changed"):
        store.get("d05")
    report = repair(filled.path, forget=True)
    assert report.ok and "1 damaged document(s) left the store" in report.rebuilt[0]
    (line,) = (filled.path / "lost" / "0.jsonl").read_text().splitlines()
    assert json.loads(line)["text"] == "forged"
    with accord.retrieval.open(filled.path) as store:
        assert len(store) == 29 and store.get("d05") is None
        assert len(store.search("text", 50, mode="lexical")) == 29


@pytest.mark.parametrize("gone", [False, True])
def test_vectors_in_damaged_blocks_are_encoded_again(tmp_path, gone):
    path, model = tmp_path / "store", Words()
    Store.create(path, model={"dim": 8, "fingerprint": "f0"}).close()
    with accord.retrieval.open(path, model=model) as store:
        with store.write() as writer:
            writer.add([{"id": f"d{n}", "text": f"text {n}", "n": n} for n in range(20)])
            writer.delete(["d3"])
        truth = [(hit.id, hit.score) for hit in store.search("text 7", 30)]
    (segment,) = (path / "segments").iterdir()
    segment.unlink() if gone else flip(segment, 300)
    assert not verify(path).ok
    report = repair(path)
    assert not report.ok and len(report.lost) == 19
    report = repair(path, model=model)
    assert report.ok and not report.lost, report
    assert verify(path).problems == ()
    with accord.retrieval.open(path, model=model) as store:
        assert [(hit.id, hit.score) for hit in store.search("text 7", 30)] == truth
        assert store.get("d5").metadata == {"n": 5}


def test_documents_of_lost_vectors_leave_when_told_to(filled):
    filled.close()
    largest, *_ = sorted((filled.path / "segments").iterdir(), key=lambda file: -file.stat().st_size)
    flip(largest, 200)
    report = repair(filled.path, forget=True)
    assert report.ok and len(report.lost) == 20
    with accord.retrieval.open(filled.path) as store:
        assert store.ids() == [f"d{n:02}" for n in range(20, 30)]
    assert len((filled.path / "lost" / "0.jsonl").read_text().splitlines()) == 20


def test_a_database_that_cannot_be_read_is_written_anew(filled):
    filled.index_field("n") if hasattr(filled, "index_field") else None
    filled.close()
    statement(filled.path, "PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(filled.path / "store.sqlite")) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tombstones'").fetchone()
    data = bytearray((filled.path / "store.sqlite").read_bytes())
    data[4096 * (root - 1)] = 99
    (filled.path / "store.sqlite").write_bytes(data)
    assert any(problem.kind == "database" for problem in verify(filled.path).problems)
    report = repair(filled.path)
    assert report.ok and not report.lost, report
    assert (filled.path / "lost" / "0.sqlite").read_bytes() == bytes(data)
    with accord.retrieval.open(filled.path) as store:
        assert store.ids() == [f"d{n:02}" for n in range(30)]


@pytest.mark.slow
def test_repair_never_fails_otherwise_than_by_saying_so(filled, tmp_path, rng):
    with filled.write() as writer:
        writer.delete(["d03", "d21"])
    filled.close()
    files = [file for file in sorted(filled.path.rglob("*")) if file.is_file() and not file.name.endswith("-shm")]
    sizes = np.array([file.stat().st_size for file in files])
    for _ in range(60):
        copied = tmp_path / "copy"
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(filled.path, copied)
        victim = files[rng.choice(len(files), p=sizes / sizes.sum())]
        flip(copied / victim.relative_to(filled.path), int(rng.integers(victim.stat().st_size)))
        try:
            report = repair(copied, forget=True)
        except StorageError:
            continue
        assert report.ok, report
        with accord.retrieval.open(copied) as store:
            wanted = {f"d{n:02}" for n in range(30)} - {"d03", "d21"}
            assert set(store.ids()) == wanted or report.lost
            for name in store.ids():
                assert store.get(name).text == f"text {int(name[1:])}"
