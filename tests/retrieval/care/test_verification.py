"""Damage: whatever changes an answer is found, whatever the damage verify ends with a report."""

from __future__ import annotations

import shutil
import sqlite3

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import AccordError, InputError
from accord.retrieval import Store, verify
from accord.retrieval.files.segments import BLOCK_BYTES


def answers(path):
    """Everything that get and search say; an error that accord raises on purpose counts as an answer that differs."""
    try:
        with accord.retrieval.open(path) as store:
            queries = np.eye(8, dtype=np.float32) - 0.3
            found, scores = store.search_vectors(queries, 100)
            hits = [store.search(query, 5) for query in queries[:2]]
            names = [f"d{n:02}" for n in range(30)]
            return found, scores.tobytes(), hits, store.ids(), [store.get(name) for name in names], store.record
    except AccordError as error:
        return type(error)


def flipped(path, place, bit):
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def damage(source, target, rng, times):
    """Flip bits one at a time in copies; returns how many changed an answer and how many were reported."""
    truth, changed, reported = answers(source), 0, 0
    copies = [file for file in sorted(source.rglob("*")) if file.is_file() and not file.name.endswith("-shm")]
    sizes = np.array([file.stat().st_size for file in copies])
    for _ in range(times):
        n = rng.choice(len(copies), p=sizes / sizes.sum())
        place, bit = int(rng.integers(sizes[n])), int(rng.integers(8))
        copied = target / "copy"
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(source, copied, ignore=shutil.ignore_patterns("*-shm"))
        victim = copied / copies[n].relative_to(source)
        flipped(victim, place, bit)
        report, differs = verify(copied), answers(copied) != truth
        assert report.ok <= (not differs), f"{victim.name} byte {place} bit {bit} changed an answer unseen"
        assert victim.parent.name != "segments" or not report.ok
        changed += differs
        reported += not report.ok
    return changed, reported


@pytest.fixture
def mixed(filled):
    with filled.write() as writer:
        writer.delete(["d03", "d21"])
        writer.update([{"id": "d04", "n": -4}])
    return filled


@pytest.mark.slow
def test_every_flip_that_changes_an_answer_is_found(mixed, tmp_path, rng):
    mixed.close()
    assert not (mixed.path / "store.sqlite-wal").exists()
    changed, reported = damage(mixed.path, tmp_path, rng, 80)
    assert 0 < changed <= reported


def test_flips_in_a_log_that_was_not_emptied_are_found(mixed, tmp_path, rng):
    before = tmp_path / "before"
    reader = accord.retrieval.open(mixed.path)  # keeps the log
    with mixed.write() as writer:
        writer.delete(["d05"])
        writer.update([{"id": "d06", "n": 0}])
    shutil.copytree(mixed.path, before, ignore=shutil.ignore_patterns("*-shm"))
    reader.close()
    assert (before / "store.sqlite-wal").stat().st_size
    kept = (before / "store.sqlite-wal").read_bytes()
    truth = None
    for place in (0, 17, 30, 40, len(kept) // 2, len(kept) - 5):
        work = tmp_path / f"work{place}"
        shutil.copytree(before, work)
        if truth is None:
            truth = answers(work)
            shutil.rmtree(work)
            shutil.copytree(before, work)
        flipped(work / "store.sqlite-wal", place, 2)
        report = verify(work)
        assert report.ok <= (answers(work) == truth)
    shutil.copytree(before, tmp_path / "lost")
    (tmp_path / "lost" / "store.sqlite-wal").unlink()
    assert any("acknowledged commits" in problem.detail for problem in verify(tmp_path / "lost").problems)


@pytest.mark.slow
def test_a_thousand_flips(mixed, tmp_path, rng):
    mixed.close()
    changed, reported = damage(mixed.path, tmp_path, rng, 1000)
    assert 100 < changed <= reported


@pytest.mark.slow
def test_every_flip_in_a_store_of_codes_that_changes_an_answer_is_found(coded, tmp_path, rng):
    with coded.write() as writer:
        writer.delete(["d03", "d21"])
    coded.close()
    changed, reported = damage(coded.path, tmp_path, rng, 120)
    assert 0 < changed <= reported


def test_flips_in_codes_vectors_and_codec_are_located(coded, tmp_path, rng):
    coded.close()
    truth = answers(coded.path)
    files = [*sorted((coded.path / "segments").iterdir()), *sorted((coded.path / "codecs" / "vector.code").iterdir())]
    assert len(files) == 6
    for number, file in enumerate(files):
        copied = shutil.copytree(coded.path, tmp_path / f"copy{number}", ignore=shutil.ignore_patterns("*-shm"))
        where = file.relative_to(coded.path)
        flipped(copied / where, int(rng.integers(file.stat().st_size)), 3)
        assert [(p.kind, p.where) for p in verify(copied).problems] == [("changed", str(where))]
        if file.parent.name != "segments":
            assert isinstance(answers(copied), type)
        (copied / where).unlink()
        assert [(p.kind, p.where) for p in verify(copied).problems] == [("missing", str(where))]
        assert answers(copied) != truth
    (coded.path / "codecs" / "vector.code" / "notes.txt").write_text("mine")
    report = verify(coded.path)
    assert report.ok
    assert [(p.kind, p.where) for p in report.problems] == [("orphan", "codecs/vector.code/notes.txt")]
    assert answers(coded.path) == truth


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM segments WHERE field = 'vector'",
        "DELETE FROM segments WHERE field = 'vector.code'",
        "UPDATE segments SET field = 'vector' WHERE field = 'vector.code'",
        "UPDATE meta SET value = replace(value, 'rescore', 'nothing') WHERE key = 'columns'",
        "DELETE FROM meta WHERE key = 'columns'",
    ],
)
def test_changes_to_the_columns_are_found(coded, statement):
    coded.close()
    with sqlite3.connect(coded.path / "store.sqlite") as connection:
        connection.execute(statement)
    connection.close()
    assert not verify(coded.path).ok
    assert isinstance(answers(coded.path), type)


def test_a_changed_block_is_named(tmp_path, rng):
    store = Store.create(tmp_path / "s", model={"dim": 1024})
    with store.write() as writer:
        writer.add([{"text": str(n)} for n in range(700)], rng.standard_normal((700, 1024)))
    assert verify(store.path).ok
    (file,) = (store.path / "segments").iterdir()
    flipped(file, 2 * BLOCK_BYTES + 5, 0)
    (problem,) = verify(store.path).problems
    assert problem.kind == "changed"
    assert problem.where == f"segments/{file.name}"
    assert problem.detail == "1 changed: block 2 (bytes 2097152-2867327, slots 511-699)"
    assert accord.retrieval.open(store.path)  # header and size are as they were


def test_a_changed_document_is_named_and_not_served(filled):
    path = filled.path
    filled.close()
    with sqlite3.connect(path / "store.sqlite") as connection:
        connection.execute("UPDATE documents SET text = 'other' WHERE id = 'd07'")
    connection.close()
    problem, words = verify(path).problems
    assert (problem.kind, problem.where) == ("changed", "document 'd07'")
    assert (words.kind, words.where) == ("changed", "store.sqlite: lexical")
    with accord.retrieval.open(path) as store:
        assert store.get("d08").text == "text 8"
        with pytest.raises(AccordError, match=r"d07.* was changed on the disk"):
            store.get("d07")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM documents WHERE id = 'd07'",
        "DELETE FROM tombstones",
        "INSERT INTO tombstones VALUES (7)",
        "UPDATE documents SET slot = 99 WHERE id = 'd07'",
        "UPDATE tombstones SET slot = 400 WHERE slot = 3",
        "UPDATE segments SET dim = 4",
        "DELETE FROM segments",
        "UPDATE meta SET value = '{}' WHERE key = 'model'",
        "DELETE FROM meta",
        "DROP TABLE tombstones",
        "ALTER TABLE documents RENAME COLUMN title TO heading",
        "CREATE TRIGGER t AFTER INSERT ON documents BEGIN DELETE FROM documents; END",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 1",
    ],
)
def test_changes_through_sqlite_are_found(mixed, statement):
    path = mixed.path
    mixed.close()
    with sqlite3.connect(path / "store.sqlite") as connection:
        connection.execute(statement)
    connection.close()
    assert not verify(path).ok
    answers(path)  # ends in an answer or an error of accord


def test_missing_and_orphan_files(filled, tmp_path):
    path = filled.path
    filled.close()
    (path / "segments" / "000000000099-abc.npy").write_bytes(b"left behind")
    report = verify(path)
    assert report.ok
    assert [(p.kind, p.where) for p in report.problems] == [("orphan", "segments/000000000099-abc.npy")]
    gone = next(file for file in (path / "segments").iterdir() if file.name.startswith("000000000000"))
    gone.unlink()
    report = verify(path)
    assert not report.ok
    assert ("missing", f"segments/{gone.name}") in [(p.kind, p.where) for p in report.problems]
    with pytest.raises(AccordError, match="is missing"):
        accord.retrieval.open(path)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"\xff" * 5000, b"x" * 10_000, None])
def test_a_ruined_database_is_a_report(filled, content):
    path = filled.path
    filled.close()
    if content is None:
        (path / "store.sqlite").write_bytes((path / "store.sqlite").read_bytes()[:9000])
    else:
        (path / "store.sqlite").write_bytes(content)
    assert not verify(path).ok
    assert isinstance(answers(path), type)
    (path / "store.sqlite").unlink()
    assert verify(path).problems[0].kind == "missing"
    with pytest.raises(InputError, match="not a folder"):
        verify(path / "nowhere")


def test_a_truncated_or_padded_segment(mixed, tmp_path):
    mixed.close()
    for change in (lambda data: data[:-4], lambda data: data + b"\0", lambda data: b""):
        copied = shutil.copytree(mixed.path, tmp_path / "copy", dirs_exist_ok=True)
        file = sorted((copied / "segments").iterdir())[0]
        file.write_bytes(change(file.read_bytes()))
        assert not verify(copied).ok
        assert isinstance(answers(copied), type)


def test_damage_is_not_carried_over_into_new_segments(filled, rng, rows):
    file = sorted((filled.path / "segments").iterdir())[0]
    flipped(file, 300, 4)
    with filled.write() as writer:  # would fold the damaged neighbour and hash it afresh
        writer.add([{"text": f"new {n}"} for n in range(200)], rows(rng, 200))
    assert not verify(filled.path).ok
