"""A corpus becomes shards, each embedded once: whatever is killed, changed or asked otherwise."""

import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny_corpus import ROWS, write_rows
from tiny_models import tiny_encoder_folder

from accord.core.errors import InputError, StorageError
from accord.core.interrupts import Interrupted
from accord.data.chunks import Chunks
from accord.encoders import load
from accord.recipes.index_texts import index_file
from accord.recipes.shards import embed_corpus, embed_shard, open_shards, plan
from accord.retrieval import StoreLocked
from accord.retrieval import open as open_store


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("model") / "m"))


@pytest.fixture
def corpus(tmp_path):
    return write_rows(tmp_path / "corpus.jsonl", ROWS)


class Broken:
    """Embeds some shards and then fails, as a cluster that is lost."""

    def __init__(self, after, error=RuntimeError):
        self.after = after
        self.error = error
        self.asked = []

    def run(self, work, numbers):
        for number in numbers:
            if len(self.asked) == self.after:
                raise self.error("the cluster is gone")
            self.asked.append(number)
            yield work(number)


def test_every_row_has_the_vector_of_its_document_once(tmp_path, model, corpus):
    done = embed_corpus(model, corpus, tmp_path / "s", rows=7)
    assert (done.rows, done.shards, done.embedded, done.left_out) == (48, 7, 7, 0)
    assert done.parity.rows >= 48
    assert done.parity.least_cosine == pytest.approx(1, abs=1e-6)
    names, vectors = [], []
    for table, some in open_shards(tmp_path / "s"):
        names += table["id"].to_pylist()
        vectors.append(some)
    assert names == [row["id"] for row in ROWS]
    wanted = load(model).encode_document([f"{row['title']} {row['text']}" for row in ROWS])
    np.testing.assert_allclose(np.concatenate(vectors), wanted, atol=1e-6)
    assert not (tmp_path / "s" / "corpus.arrow").exists()  # what was cut for the workers is not left behind


def test_the_files_are_plain_parquet(tmp_path, model, corpus):
    embed_corpus(model, corpus, tmp_path / "s", rows=20)
    table = pq.read_table(tmp_path / "s" / "vectors" / "000001.parquet")
    assert table.column_names == ["id", "title", "text", "length", "vector"]
    assert table["vector"].type.list_size == load(model).dim
    assert table["text"][0].as_py() == ROWS[20]["text"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_is_done_stays_done(tmp_path, model, corpus, error):
    first = Broken(3, error)
    with pytest.raises(Interrupted if error is KeyboardInterrupt else RuntimeError):
        embed_corpus(model, corpus, tmp_path / "s", rows=7, spread=first)
    files = sorted((tmp_path / "s" / "vectors").iterdir())
    before = [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files]
    second = Broken(99)
    done = embed_corpus(model, corpus, tmp_path / "s", rows=7, spread=second)
    assert (first.asked, second.asked, done.embedded) == ([0, 1, 2], [3, 4, 5, 6], 4)
    assert [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files] == before


def test_a_shard_that_is_tried_twice_is_embedded_once(tmp_path, model, corpus):
    class Twice:
        def run(self, work, numbers):
            for number in numbers:
                yield work(number) + work(number)

    counts = embed_corpus(model, corpus, tmp_path / "s", rows=10, spread=Twice())
    assert counts.rows == sum(table.num_rows for table, _ in open_shards(tmp_path / "s")) == 48
    assert embed_shard(tmp_path / "s", 0) == 0


def test_a_shard_whose_line_is_missing_is_embedded_again(tmp_path, model, corpus):
    embed_corpus(model, corpus, tmp_path / "s", rows=10)
    before = (tmp_path / "s" / "vectors" / "000002.parquet").read_bytes()
    (tmp_path / "s" / "done" / "000002.json").unlink()  # as after a kill between the file and its line
    with pytest.raises(InputError, match=r"1 of 5 shards have still to be embedded \(the first is 2\)"):
        open_shards(tmp_path / "s")
    spread = Broken(99)
    embed_corpus(model, corpus, tmp_path / "s", rows=10, spread=spread)  # cuts the corpus anew: it was let go of
    assert spread.asked == [2]
    assert (tmp_path / "s" / "vectors" / "000002.parquet").read_bytes() == before


def test_a_changed_file_is_found_when_it_is_read(tmp_path, model, corpus):
    embed_corpus(model, corpus, tmp_path / "s", rows=10)
    file = tmp_path / "s" / "vectors" / "000001.parquet"
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.write_bytes(held)
    with pytest.raises(StorageError, match=r"000001\.parquet is not as it was written"):
        list(open_shards(tmp_path / "s"))
    file.unlink()
    assert embed_corpus(model, corpus, tmp_path / "s", rows=10).embedded == 1
    assert len(list(open_shards(tmp_path / "s"))) == 5


def test_rows_are_taken_from_any_shard(tmp_path, model, corpus):
    embed_corpus(model, corpus, tmp_path / "s", rows=10)
    table, vectors = open_shards(tmp_path / "s").take([45, 3, 12, 13])
    assert table["id"].to_pylist() == [ROWS[n]["id"] for n in (3, 12, 13, 45)]
    wanted = load(model).encode_document([f"{ROWS[n]['title']} {ROWS[n]['text']}" for n in (3, 12, 13, 45)])
    np.testing.assert_allclose(vectors, wanted, atol=1e-6)


@pytest.mark.parametrize("codec", [None, "Sign"])
def test_an_index_of_shards_is_the_index_of_the_file(tmp_path, model, corpus, codec):
    embed_corpus(model, corpus, tmp_path / "s", rows=10, chunk="sentences:1")
    done = index_file(model, tmp_path / "s", tmp_path / "a", codec=codec)
    assert (done.added, done.chunks, done.rows) == (48, 48, 48)
    again = index_file(model, corpus, tmp_path / "a", codec=codec, chunk="sentences:1")
    assert (again.added, again.changed, again.unchanged, again.removed) == (0, 0, 48, 0)
    index_file(model, corpus, tmp_path / "b", codec=codec, chunk="sentences:1")
    with open_store(tmp_path / "a") as one, open_store(tmp_path / "b") as other:
        assert [hit.id for hit in one.search("read the file")] == [hit.id for hit in other.search("read the file")]


def test_chunks_that_a_shorter_text_no_longer_has_go(tmp_path, model):
    long = write_rows(tmp_path / "long.jsonl", [{"id": "a", "text": "Read it. Write it. Send it."}])
    embed_corpus(model, long, tmp_path / "s1", chunk="sentences:1")
    assert index_file(model, tmp_path / "s1", tmp_path / "store").added == 3
    short = write_rows(tmp_path / "short.jsonl", [{"id": "a", "text": "Read it. Write it."}])
    embed_corpus(model, short, tmp_path / "s2", chunk="sentences:1")
    done = index_file(model, tmp_path / "s2", tmp_path / "store")
    assert (done.unchanged, done.removed) == (2, 1)


def test_columns_that_come_late_and_rows_without_text(tmp_path, model, monkeypatch):
    parts = []

    def small(path):
        parts.extend(Chunks(path, size=60))
        return Chunks(path, size=60)

    monkeypatch.setattr(plan, "Chunks", small)
    rows = [{"text": f"read row {n}"} for n in range(6)] + [{"text": " "}, {"text": "send it", "year": 2024}]
    done = embed_corpus(model, write_rows(tmp_path / "c.jsonl", rows), tmp_path / "s", rows=3)
    assert len(parts) > 3
    assert "year" not in parts[0].column_names
    assert (done.rows, done.left_out) == (7, 1)
    index_file(model, tmp_path / "s", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        assert store.get("7").metadata == {"year": 2024}  # the number of its row
        assert store.get("0").metadata == {}


def refusals():
    return [
        ({"rows": 11}, "another number of rows: 10, not 11"),
        ({"column": "title"}, "another column: 'text', not 'title'"),
        ({"chunk": "sentences:2"}, "another chunk: None, not 'sentences:2'"),
        ({"precision": "bfloat16"}, "another precision"),
    ]


@pytest.mark.parametrize(("asked", "said"), refusals())
def test_shards_of_something_else_are_not_gone_on_with(tmp_path, model, corpus, asked, said):
    embed_corpus(model, corpus, tmp_path / "s", rows=10)
    with pytest.raises(InputError, match=said):
        embed_corpus(model, corpus, tmp_path / "s", **{"rows": 10, **asked})


def test_another_source_or_model_is_refused_by_name(tmp_path, model, corpus):
    embed_corpus(model, corpus, tmp_path / "s", rows=10)
    other = str(tiny_encoder_folder(tmp_path / "other", seed=5))
    with pytest.raises(InputError, match="another model"):
        embed_corpus(other, corpus, tmp_path / "s", rows=10)
    with pytest.raises(InputError, match="those of another model"):
        index_file(other, tmp_path / "s", tmp_path / "store")
    write_rows(corpus, ROWS[:-1])
    with pytest.raises(InputError, match="another source"):
        embed_corpus(model, corpus, tmp_path / "s", rows=10)
    assert not (tmp_path / "store").exists()


def test_a_model_that_was_moved_goes_on(tmp_path, corpus):
    old = tiny_encoder_folder(tmp_path / "old")
    with pytest.raises(RuntimeError):
        embed_corpus(str(old), corpus, tmp_path / "s", rows=10, spread=Broken(2))
    new = old.rename(tmp_path / "new")
    assert embed_corpus(str(new), corpus, tmp_path / "s", rows=10).embedded == 3


def test_an_id_that_comes_again_in_a_later_part_is_refused(tmp_path, model, monkeypatch):
    monkeypatch.setattr(plan, "Chunks", lambda path: Chunks(path, size=200))
    twice = write_rows(tmp_path / "twice.jsonl", [*ROWS, ROWS[3]])
    with pytest.raises(InputError, match="the id 'read-close' twice"):
        embed_corpus(model, twice, tmp_path / "s", rows=10)


def test_a_second_command_at_once_is_refused(tmp_path, model, corpus):
    class Second:
        def run(self, work, numbers):
            with pytest.raises(StoreLocked, match="already has a writer"):
                embed_corpus(model, corpus, tmp_path / "s", rows=10)
            yield from map(work, numbers)

    assert embed_corpus(model, corpus, tmp_path / "s", rows=10, spread=Second()).embedded == 5


def test_bad_input_leaves_nothing_behind(tmp_path, model):
    twice = write_rows(tmp_path / "twice.jsonl", [*ROWS, ROWS[3]])
    with pytest.raises(InputError, match="the id 'read-close' twice"):
        embed_corpus(model, twice, tmp_path / "s", rows=10)
    empty = write_rows(tmp_path / "empty.jsonl", [{"text": ""}])
    with pytest.raises(InputError, match="no row with a text in `text`"):
        embed_corpus(model, empty, tmp_path / "s", rows=10)
    with pytest.raises(InputError, match="no column `body`"):
        embed_corpus(model, twice, tmp_path / "s", column="body")
    with pytest.raises(InputError, match="`rows` must be"):
        embed_corpus(model, twice, tmp_path / "s", rows=0)
    assert [file.name for file in (tmp_path / "s").iterdir()] == ["write.lock"]
    with pytest.raises(InputError, match=r"holds other files"):
        embed_corpus(model, write_rows(tmp_path / "fine.jsonl", ROWS), tmp_path)
    with pytest.raises(InputError, match=r"has no plan\.json"):
        open_shards(tmp_path)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on(tmp_path, model, corpus):
    """SIGKILL in the middle of a shard, by a process of its own."""
    program = (
        "import os, signal, sys\n"
        "from accord.recipes.shards import embed_corpus, work\n"
        "whole = work.pq.write_table\n"
        "def killed(table, handle, **rest):\n"
        "    whole(table, handle, **rest)\n"
        "    if handle.name.split('partial-')[1].startswith('000003'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "work.pq.write_table = killed\n"
        "embed_corpus(sys.argv[1], sys.argv[2], sys.argv[3], rows=7)\n"
    )
    given = [sys.executable, "-c", program, model, str(corpus), str(tmp_path / "s")]
    assert subprocess.run(given, env={**os.environ}, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert len(list((tmp_path / "s" / "vectors").glob(".partial-*"))) == 1
    spread = Broken(99)
    done = embed_corpus(model, corpus, tmp_path / "s", rows=7, spread=spread)
    assert spread.asked == [3, 4, 5, 6]
    assert done.rows == 48
    assert not list((tmp_path / "s" / "vectors").glob(".partial-*"))
