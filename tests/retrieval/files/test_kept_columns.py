"""Columns beside the vectors: what was written for a document comes back, whatever happened to the others."""

from __future__ import annotations

import numpy as np
import pytest

import accord.retrieval
from accord.core.errors import AccordError, InputError
from accord.retrieval import Store, kept_column, verify
from accord.retrieval.files.columns import with_counts

COLUMNS = (kept_column("tokens", 4, ragged=True), kept_column("colour", 3, dtype="float32"))


def made(rng, names):
    """Rows of both columns, by id; some documents have no token."""
    return {
        name: (
            rng.standard_normal((int(rng.integers(0, 5)), 4)).astype(np.float16),
            rng.standard_normal(3).astype(np.float32),
        )
        for name in names
    }


def add(store, rng, rows, names):
    cells = made(rng, names)
    with store.write() as writer:
        writer.add(
            [{"id": name, "text": f"text {name}"} for name in names],
            rows(rng, len(names)),
            columns={
                "tokens": [cells[name][0] for name in names],
                "colour": np.stack([cells[name][1] for name in names]),
            },
        )
    return cells


def check(store, wanted):
    names = sorted(wanted, reverse=True)
    tokens, colours = store.column("tokens", names), store.column("colour", names)
    for n, name in enumerate(names):
        np.testing.assert_array_equal(tokens[n], wanted[name][0])
        np.testing.assert_array_equal(colours[n], wanted[name][1])
    assert len(store.column("tokens")) == len(store.column("colour")) == len(wanted)


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "s", model={"dim": 8}, columns=COLUMNS) as made:
        yield made


def test_rows_come_back_after_folding_deleting_and_replacing(store, rng, rows):
    wanted = add(store, rng, rows, ["a", "b", "c"])
    wanted |= add(store, rng, rows, [f"d{n}" for n in range(9)])  # takes the first three in
    wanted |= add(store, rng, rows, ["last"])
    check(store, wanted)
    with store.write() as writer:
        writer.delete(["b", "d3"])
        writer.update([{"id": "a", "year": 2020}])
    for name in ("b", "d3"):
        del wanted[name]
    check(store, wanted)
    again = made(rng, ["a"])
    with store.write() as writer:
        writer.upsert(
            [{"id": "a", "text": "new"}], rows(rng, 1), columns={"tokens": [again["a"][0]], "colour": [again["a"][1]]}
        )
    check(store, wanted | again)
    assert verify(store.path).problems == ()
    with accord.retrieval.open(store.path) as fresh:
        check(fresh, wanted | again)


def test_a_reader_keeps_its_rows_while_a_writer_folds(store, rng, rows):
    wanted = add(store, rng, rows, ["a"])
    with accord.retrieval.open(store.path) as reader:
        add(store, rng, rows, [f"d{n}" for n in range(4)])
        check(reader, wanted)


def test_every_flip_in_a_column_is_found(store, rng, rows):
    add(store, rng, rows, ["a", "b"])
    store.close()
    for file in (store.path / "segments").iterdir():
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert not verify(store.path).ok
        file.write_bytes(data)
    counts = next(f for f in (store.path / "segments").iterdir() if b"<u4" in f.read_bytes()[:128])
    data = counts.read_bytes()
    counts.write_bytes(data[:-4] + b"\x09\0\0\0")
    with pytest.raises(AccordError, match="do not add up"):
        accord.retrieval.open(store.path)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        (None, "keeps the column 'tokens'"),
        ({"tokens": [np.ones((1, 4))]}, "keeps the column 'colour'"),
        ({"tokens": [np.ones((1, 5))], "colour": [[1, 2, 3]]}, r"columns\['tokens'\]\[0\].* shape"),
        ({"tokens": [], "colour": [[1, 2, 3]]}, "a matrix for each of 1"),
        ({"tokens": [np.ones((1, 4))], "colour": [[1, 2]]}, r"columns\['colour'\].* shape"),
        ({"tokens": [np.full((1, 4), np.nan)], "colour": [[1, 2, 3]]}, "finite"),
        ({"tokens": [np.full((1, 4), 1e6)], "colour": [[1, 2, 3]]}, "at most 65,504"),
        ({"tokens": [np.ones((1, 4))], "color": [[1, 2, 3]]}, "Did you mean `colour`"),
    ],
)
def test_bad_columns_are_refused_before_anything_is_written(store, columns, match):
    with store.write() as writer, pytest.raises(InputError, match=match):
        writer.add([{"id": "a", "text": "t"}], np.eye(8)[:1], columns=columns)
    assert len(store) == 0
    assert verify(store.path).problems == ()


def test_names_types_and_unknown_columns(store, tmp_path):
    for bad, match in (
        (lambda: kept_column("vector", 3), "not 'vector'"),
        (lambda: kept_column("A b", 3), "a-z"),
        (lambda: kept_column("a", 0), "whole number"),
        (lambda: kept_column("a", 3, dtype="float64"), "`dtype` must be one of"),
        (lambda: with_counts([COLUMNS[0], COLUMNS[0]]), "twice"),
        (lambda: with_counts(["tokens"]), "made by kept_column"),
        (lambda: store.column("tokns"), "Did you mean `tokens`"),
        (lambda: store.column("tokens", ["nobody"]), "no document with the id 'nobody'"),
    ):
        with pytest.raises(InputError, match=match):
            bad()
    with pytest.raises(InputError, match="another list of columns"):
        Store.create(store.path, model={"dim": 8}, columns=COLUMNS[:1], exist_ok=True)
    Store.create(store.path, model={"dim": 8}, exist_ok=True).close()
