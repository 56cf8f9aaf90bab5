"""A stream gives what a signal gives, row for row and word for word, without holding the file."""

import gzip
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accord.core.errors import DataError, InputError
from accord.data import Labelled, Pairs, Ranked, Scored, read, stream
from accord.data import chunks as chunks_file
from accord.data.streams import Stream


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Parts of a few dozen rows, so that every file has many."""
    whole = chunks_file.Chunks.__init__
    monkeypatch.setattr(chunks_file.Chunks, "__init__", lambda self, path, size=3000: whole(self, path, size))
    monkeypatch.setattr(chunks_file, "PARQUET_ROWS", 37)


def rows(count):
    for i in range(count):
        row = {"query": f"question {i}", "answer": f"ünd answer {i * i}", "n": i, "when": "2024-01-01"}
        yield row if i < count // 2 else {**row, "n": i + 0.5, "late": {"a": i}}


def write(path, count=700):
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n\n" for row in rows(count))
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif path.suffix == ".jsonl":
        path.write_text(lines, encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows(count))), path)
    else:
        mark = "," if path.suffix == ".csv" else "\t"
        body = "".join(f"question {i}{mark}answer {i}{mark}{i}\n" for i in range(count))
        path.write_text(f"query{mark}answer{mark}n\n{body}")
    return path


@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz", "d.csv", "d.tsv", "d.parquet"])
def test_rows_are_those_of_the_signal(name, tmp_path):
    path = write(tmp_path / name)
    found, signal = stream(path, cache=tmp_path / "cache"), read(path)
    assert len(found) == len(signal) == 700 and found.kind is Pairs is type(signal)
    assert found.text_columns == signal.text_columns == ("anchor", "positive")
    some = [699, 0, 300, 255, 256, 0]
    assert found.take(some).table.to_pylist() == signal.take(some).table.to_pylist()
    assert found.take(some).column("query")[0] == "question 699"
    assert len(found.take([])) == 0
    with pytest.raises(InputError, match=r"`rows` must lie in \[0, 700\)"):
        found.take([700])


def test_the_fingerprint_is_of_the_rows_and_not_of_the_parts(tmp_path, monkeypatch):
    path = write(tmp_path / "d.jsonl")
    first = stream(path, cache=tmp_path / "one")
    monkeypatch.undo()
    again = stream(path, cache=tmp_path / "two")
    assert first.fingerprint() == again.fingerprint()
    assert first.describe() == again.describe()
    assert first.describe()["rows"] == 700
    changed = tmp_path / "e.jsonl"
    changed.write_text(path.read_text().replace("question 650", "question six"))
    assert stream(changed, cache=tmp_path / "one").fingerprint() != first.fingerprint()


def test_blocks_are_used_again_until_the_file_changes(tmp_path):
    path, cache, seen = write(tmp_path / "d.jsonl"), tmp_path / "cache", []

    def progress(description, *, total, unit="items"):
        seen.append((description, unit))
        return __import__("contextlib").nullcontext(lambda count: None)

    stream(path, cache=cache, progress=progress)
    stream(path, cache=cache, progress=progress)
    assert seen == [("check d.jsonl", "bytes")]
    assert len(stream(path, cache=cache, signal=Scored, columns={"score": "n"})) == 700
    path.write_text(path.read_text() + '{"query": "more", "answer": "yes"}\n')
    assert len(stream(path, cache=cache, progress=progress)) == 701
    assert len(seen) == 2
    assert len(list(cache.iterdir())) == 1  # what the older file held is gone


def test_the_default_cache_is_where_caches_are(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    found = stream(write(tmp_path / "d.csv"))
    assert tmp_path / "home" / "accord" / "streams" in found.folder.parents


BAD = [
    ('{"query": "a", "answer": ""}', "`answer` is an empty text"),
    ('{"query": "a"}', r"`answer` is missing \(null\)"),
    ('{"query": 5, "answer": "b"}', "line 901: `query` "),
    ('{"query": "a", "answer": "b"', "not valid JSON"),
    ('{"query": "a", "answer": "b", "negative": "c"}', r"line 1: `negative` is missing \(null\)"),
]


@pytest.mark.parametrize(("line", "match"), BAD)
def test_a_bad_row_is_named_by_its_line_and_leaves_no_cache(line, match, tmp_path):
    path = write(tmp_path / "d.jsonl")
    lines = path.read_text().splitlines()
    lines[900] = line
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=match) as error:
        stream(path, cache=tmp_path / "cache")
    if "negative" not in line:
        assert f"{path}, line 901" in str(error.value)
    assert not list((tmp_path / "cache").iterdir())


def test_what_only_later_rows_have_is_read_as_a_signal_reads_it(tmp_path):
    path = tmp_path / "d.jsonl"
    lines = [{"query": f"q{i}", "pos": [f"p{i}"]} for i in range(200)]
    lines += [{"query": f"q{i}", "pos": ["p"], "neg": ["n"], "prompt": "find ", "type": "x"} for i in range(200, 300)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found, signal = stream(path, cache=tmp_path / "cache"), read(path)
    assert {**found.names, "id": "id"} == signal.names
    assert found.take([0, 299]).table.to_pylist() == signal.take([0, 299]).table.to_pylist()


@pytest.mark.parametrize("where", [3, 400])
def test_an_id_used_twice_is_named_as_a_signal_names_it(where, tmp_path):
    path = tmp_path / "d.jsonl"
    ids = [f"r{i}" for i in range(500)]
    ids[where] = "r1"
    path.write_text("".join(json.dumps({"id": i, "text": f"text {i} {'x' * 40}"}) + "\n" for i in ids))
    with pytest.raises(DataError) as error:
        stream(path, cache=tmp_path / "cache")
    with pytest.raises(DataError) as whole:
        read(path)
    assert str(error.value) == str(whole.value)
    assert f"line {where + 1}: the `id` 'r1' was used before, in row 2" in str(error.value)


def test_a_broken_record_of_a_csv_is_named(tmp_path):
    path = write(tmp_path / "d.csv")
    path.write_text(path.read_text().replace("question 600,answer 600", "question 600"))
    with pytest.raises(DataError, match="line 602: 2 fields, and the heading has 3"):
        stream(path, cache=tmp_path / "cache")


def test_lists_and_labels_stream_too(tmp_path):
    path = tmp_path / "r.jsonl"
    lines = [{"query": f"q{i}", "positive_1": f"p{i}", "positive_2": "" if i % 3 else "more"} for i in range(300)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = stream(path, cache=tmp_path / "cache")
    assert found.kind is Ranked and found.take([3]).column("pos") == [["p3", "more"]]
    path = tmp_path / "l.jsonl"
    path.write_text("".join(json.dumps({"text": f"t{i}", "label": i % 3}) + "\n" for i in range(300)))
    found = stream(path, cache=tmp_path / "cache")
    assert found.kind is Labelled and found.describe()["labels"] == {"0": 100, "1": 100, "2": 100}


def test_several_streams_at_once_and_in_a_later_process(tmp_path):
    one = stream(write(tmp_path / "a.jsonl"), cache=tmp_path / "cache")
    two = stream(write(tmp_path / "b.csv", 500), cache=tmp_path / "cache")
    again = Stream(one.folder, origin=one.origin, window=2)
    for k in range(50):
        first = one.take(one.batches(8, seed=0, name="one").rows(k))
        second = two.take(two.batches(8, seed=0, name="two").rows(k))
        assert len(first) == len(second) == 8
    assert again.take([5]).column("anchor") == one.take([5]).column("anchor")
    assert os.path.getsize(one.folder / "rows.arrow") > 0


def test_a_selection_is_a_stream_of_its_own(tmp_path):
    path = tmp_path / "l.jsonl"
    path.write_text("".join(json.dumps({"text": f"t{i}", "label": i % 5 % 3}) + "\n" for i in range(1000)))
    whole = stream(path, cache=tmp_path / "cache")
    some = whole.select(np.arange(1, 1000, 3)).select(np.arange(10, 300))
    assert len(some) == 290 == some.describe()["rows"]
    assert some.take([0, 289]).column("text") == ["t31", "t898"]
    batches = some.batches(12, seed=0, name="x", window=1)
    for k in range(batches.steps(1)):
        rows = batches.rows(k)
        assert some._labels(rows).tolist() == some.take(rows).column("label")
    assert len({whole.fingerprint(), some.fingerprint(), whole.select(np.arange(290)).fingerprint()}) == 3


def test_labelled_batches_hold_labels_together(tmp_path):
    path = tmp_path / "l.jsonl"
    labels = np.random.default_rng(0).integers(0, 9, 3000)
    path.write_text("".join(json.dumps({"text": f"t{i}", "label": int(c)}) + "\n" for i, c in enumerate(labels)))
    found = stream(path, cache=tmp_path / "cache")
    batches = found.batches(24, seed=1, name="x", per_label=4, window=3)
    epoch = batches.steps(1)
    taken = [batches.rows(k) for k in range(epoch)]
    assert sorted(np.concatenate(taken)) == list(range(3000))
    assert all(len(rows) <= 24 for rows in taken)
    assert np.mean([len(set(labels[rows])) for rows in taken]) < 9
    fresh = found.batches(24, seed=1, name="x", per_label=4, window=3)
    assert [fresh.rows(k).tolist() for k in (epoch, 3)] == [batches.rows(k).tolist() for k in (epoch, 3)]
