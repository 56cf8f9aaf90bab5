"""A store beside a dictionary: what it holds, finds, deletes and changes, and what its readers see meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import InputError, StorageError
from accord.retrieval import Document, Store, StoreLocked, verify
from accord.retrieval.files.segments import HEADER_BYTES


def test_reads_back_what_was_written_in_another_process(filled):
    code = (
        "import sys, accord.retrieval as r; s = r.open(sys.argv[1]); d = s.get('d07');"
        "assert 'torch' not in sys.modules;"
        "print(len(s), s.version, d.title, d.metadata, s.search([1.0] + [0.0] * 7, 1)[0].rank)"
    )
    shown = subprocess.run([sys.executable, "-c", code, str(filled.path)], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "30 3 Title 7 {'n': 7, 'tags': ['a', None]} 1"
    assert filled.get("d07") == Document("d07", "text 7", "Title 7", {"n": 7, "tags": ["a", None]})
    assert filled.get("nobody") is None
    assert "d07" in filled
    assert "nobody" not in filled
    assert filled.ids() == [f"d{n:02}" for n in range(30)]


@pytest.mark.parametrize("text", ["a\0b", "'; DROP TABLE documents; --", '"', "\U0001f600 \u0301", "x" * 100_000])
def test_odd_texts_and_ids_come_back_unchanged(empty, text):
    name = text.replace("\0", "") + " id"
    with empty.write() as writer:
        writer.add([{"id": name, "text": text, "title": text, text: text}], np.eye(8)[:1])
    assert empty.get(name) == Document(name, text, text, {text: text})
    assert empty.search(np.eye(8)[0])[0].id == name
    with empty.write() as writer:
        writer.delete([name])
    assert empty.get(name) is None


def test_search_finds_the_nearest_with_their_documents(filled, rng, rows):
    matrix = np.concatenate(filled._snapshot.segments)
    for query in rows(rng, 5) * 3:
        wanted = np.argsort(-(matrix @ query))[:4]
        hits = filled.search(query.tolist(), k=4)
        assert [hit.id for hit in hits] == [f"d{n:02}" for n in wanted]
        assert [hit.rank for hit in hits] == [1, 2, 3, 4]
        assert [hit.metadata["n"] for hit in hits] == wanted.tolist()
        assert np.allclose([hit.score for hit in hits], (matrix @ query)[wanted] / 3, atol=1e-6)  # cosine
    assert len(filled.search(query, k=1000)) == 30


def test_batches_give_what_single_queries_give(filled, rng, rows):
    queries = rows(rng, 6)
    ids, scores = filled.search_vectors(queries, 7)
    single = [filled.search(query, 7) for query in queries]
    assert ids == [[hit.id for hit in hits] for hits in single]
    assert scores.tolist() == [[hit.score for hit in hits] for hits in single]
    assert scores.dtype == np.float32


def test_equal_scores_are_ordered_by_id_descending(empty):
    names = ["b", "a", "é", "Z", "aa", "10", "9"]
    with empty.write() as writer:
        writer.add([{"id": name, "text": "t"} for name in names], np.tile(np.eye(8)[0], (7, 1)))
    assert [hit.id for hit in empty.search(np.eye(8)[0], 7)] == sorted(names, reverse=True)
    assert [hit.id for hit in empty.search(np.eye(8)[0], 3)] == sorted(names, reverse=True)[:3]


def test_many_ties_and_many_hits_use_whole_tables_with_equal_results(filled, rng, rows, monkeypatch):
    with filled.write() as writer:
        writer.add([{"id": f"t{n:03}", "text": "t"} for n in range(100)], np.tile(np.eye(8)[0], (100, 1)))
    queries = np.concatenate([np.eye(8)[:1], rows(rng, 3)])
    few = filled.search_vectors(queries, 20)
    monkeypatch.setattr(accord.retrieval.snapshot, "_MANY", 5)
    many = filled.refresh().search_vectors(queries, 20)
    assert few[0] == many[0]
    assert few[0][0] == [f"t{n:03}" for n in range(99, 79, -1)]
    assert few[1].tolist() == many[1].tolist()


def test_random_changes_agree_with_a_dictionary(empty, rng, rows):
    truth: dict[str, tuple[dict, np.ndarray]] = {}
    for step in range(40):
        with empty.write() as writer:
            for _ in range(rng.integers(1, 4)):
                kind = rng.integers(4)
                some = [str(n) for n in rng.choice(sorted(truth), min(3, len(truth)), replace=False)]
                if kind <= 1 or not some:
                    names = [f"{step}-{rng.integers(10**9)}" for _ in range(rng.integers(1, 9))]
                    vectors = rows(rng, len(names))
                    writer.add([{"id": n, "text": f"text of {n}", "step": step} for n in names], vectors)
                    truth |= {n: ({"text": f"text of {n}", "step": step}, v) for n, v in zip(names, vectors)}
                elif kind == 2:
                    assert writer.delete(some) == len(some)
                    for name in some:
                        del truth[name]
                elif rng.integers(2):
                    writer.update([{"id": name, "step": -step, "new": True} for name in some])
                    for name in some:
                        truth[name] = (truth[name][0] | {"step": -step, "new": True}, truth[name][1])
                else:
                    vectors = rows(rng, len(some))
                    writer.update([{"id": name, "text": f"{step}"} for name in some], vectors)
                    for name, vector in zip(some, vectors):
                        truth[name] = (truth[name][0] | {"text": f"{step}"}, vector)
    fresh = accord.retrieval.open(empty.path)
    assert len(fresh) == len(empty) == len(truth)
    assert set(fresh.ids()) == set(truth)
    for name, (record, vector) in truth.items():
        document = fresh.get(name)
        assert {"text": document.text, **document.metadata} == record
        assert fresh.search(vector, 1)[0].id == name
    assert len(fresh.search(vector, 10**6)) == len(truth)
    assert len(list((empty.path / "segments").iterdir())) <= 8  # forty small commits were folded
    report = verify(empty.path)
    assert report.problems == ()
    assert report.documents == len(truth)


def test_unit_rows_are_kept_bit_for_bit_and_others_normalised(empty, rng, rows):
    unit, long = rows(rng, 4), rows(rng, 4) * 5
    with empty.write() as writer:
        writer.add([{"text": f"{n}"} for n in range(8)], np.concatenate([unit, long]))
    (stored,) = empty._snapshot.segments
    assert stored[:4].tobytes() == unit.tobytes()
    assert np.allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-6)
    (file,) = (empty.path / "segments").iterdir()
    assert np.load(file, allow_pickle=False).tobytes() == stored.tobytes()  # any tool can read it
    assert HEADER_BYTES == 128


def test_dot_product_keeps_lengths_and_zero_rows(tmp_path):
    store = Store.create(tmp_path / "s", model={"similarity": "dot"}, dim=2)
    with store.write() as writer:
        writer.add([{"id": "long", "text": "t"}, {"id": "zero", "text": "t"}], [[3, 4], [0, 0]])
    assert [(hit.id, hit.score) for hit in store.search([2.0, 0.0])] == [("long", 6.0), ("zero", 0.0)]


def test_ids_from_content(empty):
    with empty.write() as writer:
        names = writer.add([{"text": "t", "n": 1}, {"text": "t", "n": 2}, {"text": "t", "title": "x"}], np.eye(8)[:3])
    assert len(set(names)) == 3
    with empty.write() as writer, pytest.raises(InputError, match="already holds"):
        writer.add([{"n": 1, "text": "t"}], np.eye(8)[:1])


def test_readers_stay_on_their_commit_until_they_refresh(filled, rng, rows):
    reader = accord.retrieval.open(filled.path)
    query = rows(rng, 1)[0]
    before = reader.search(query, 30)
    with filled.write() as writer:
        writer.delete(["d00", "d29"])
        writer.update([{"id": "d05", "title": "changed"}])
        writer.add([{"id": f"x{n}", "text": "t"} for n in range(40)], rows(rng, 40))  # folds older segments away
        assert filled.get("d00") is not None  # nothing shows before the block ends
    assert filled.get("d00") is None
    assert reader.search(query, 30) == before
    assert reader.get("d05").title == "Title 5"
    assert (len(reader), reader.version) == (30, 3)
    reader.refresh()
    assert (len(reader), reader.version, reader.get("d05").title) == (68, 4, "changed")


def test_threads_share_a_store(filled, rng, rows):
    queries = rows(rng, 40)
    wanted = [filled.search(query, 5) for query in queries]
    wrong = []

    def ask():
        for query, hits in zip(queries, wanted):
            if filled.search(query, 5) != hits:
                wrong.append(query)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        filled.refresh()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_failing_block_leaves_nothing(filled):
    files = {file.name: file.read_bytes() for file in (filled.path / "segments").iterdir()}
    with pytest.raises(RuntimeError, match="mine"), filled.write() as writer:
        writer.add([{"id": "new", "text": "t"}], np.eye(8)[:1])
        writer.delete(["d03"])
        raise RuntimeError("mine")
    fresh = accord.retrieval.open(filled.path)
    assert (len(fresh), fresh.version, "new" in fresh, "d03" in fresh) == (30, 3, False, True)
    assert {file.name: file.read_bytes() for file in (filled.path / "segments").iterdir()} == files
    with pytest.raises(InputError, match="closed"):
        writer.delete(["d03"])


def test_an_empty_block_makes_no_commit(filled):
    with filled.write() as writer:
        assert writer.add([], []) == []
        assert writer.delete([]) == 0
        writer.update([])
    assert filled.version == 3


def test_a_second_writer_is_refused_at_once(filled):
    other = accord.retrieval.open(filled.path)
    with (
        filled.write() as writer,
        pytest.raises(StoreLocked, match=rf"process {os.getpid()}"),
        other.write(),
    ):
        pass
    with other.write() as writer:
        writer.delete(["d01"])
    assert issubclass(StoreLocked, StorageError)


def test_create_refuses_taken_folders_and_other_models(filled, tmp_path):
    model = {"dim": 8, "fingerprint": "f0"}
    with pytest.raises(InputError, match="exist_ok"):
        Store.create(filled.path, model=model)
    assert len(Store.create(filled.path, model=model, exist_ok=True)) == 30
    with pytest.raises(InputError, match="fingerprint"):
        Store.create(filled.path, model={"dim": 8, "fingerprint": "f1"}, exist_ok=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not a store"):
        Store.create(tmp_path / "mine", model=model)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".partial")]


def test_a_folder_with_odd_characters_and_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store.create("a b/100% ?#é", model={"dim": 2})
    with store.write() as writer:
        writer.add([{"id": "a", "text": "t"}], [[1, 0]])
    assert accord.retrieval.open("a b/100% ?#é").get("a") is not None


def test_the_log_does_not_grow_with_the_number_of_commits(empty, rng):
    log = empty.path / "store.sqlite-wal"
    for batch in range(8):
        with empty.write() as writer:
            writer.add([{"text": f"{batch} {n} " + "x" * 5000} for n in range(500)], rng.standard_normal((500, 8)))
    assert log.stat().st_size < 10_000_000  # of more than twenty million bytes written
    assert len(accord.retrieval.open(empty.path)) == 4000
