"""What leaves a store as files is what is in it, and goes back into another one."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pyarrow.parquet as pq
import pytest

from accord.core.errors import InputError, StorageError
from accord.retrieval import Store, export_files, kept_column
from accord.retrieval import exporting as module


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(module, "_BATCH", 7)


@pytest.mark.parametrize("documents", ["jsonl", "parquet"])
def test_documents_and_vectors_in_one_order(filled, tmp_path, documents):
    with filled.write() as writer:
        writer.delete(["d03", "d21"])
    report = export_files(filled.path, tmp_path / "out", documents=documents)
    assert (report.documents, report.dim) == (28, 8)
    assert set(report.files) == {f"documents.{documents}", "vectors.npy", "store.json"}
    about = json.loads((tmp_path / "out" / "store.json").read_text())
    assert about["model"]["fingerprint"] == "f0"
    vectors = np.load(tmp_path / "out" / "vectors.npy", allow_pickle=False)
    if documents == "jsonl":
        rows = [json.loads(line) for line in (tmp_path / "out" / "documents.jsonl").read_text().splitlines()]
    else:
        table = pq.read_table(tmp_path / "out" / "documents.parquet").to_pylist()
        rows = [{k: v for k, v in row.items() if k != "metadata"} | json.loads(row["metadata"]) for row in table]
    with Store.create(tmp_path / "again", model={"dim": 8, "fingerprint": "f0"}) as again:
        with again.write() as writer:
            writer.add(rows, vectors)
        assert again.ids() == filled.ids()
        assert again.vectors().tobytes() == filled.vectors().tobytes()
        assert [again.get(name) for name in again.ids()] == [filled.get(name) for name in filled.ids()]


def test_further_columns(tmp_path, rng, rows):
    columns = (kept_column("tokens", 4, ragged=True), kept_column("colour", 3))
    tokens = [rng.standard_normal((n % 3, 4)).astype(np.float16) for n in range(20)]
    with Store.create(tmp_path / "s", model={"dim": 8}, columns=columns) as store, store.write() as writer:
        writer.add(
            [{"id": str(n), "text": "t"} for n in range(20)],
            rows(rng, 20),
            columns={"tokens": tokens, "colour": np.ones((20, 3))},
        )
    export_files(tmp_path / "s", tmp_path / "out")
    values, offsets = (np.load(tmp_path / "out" / f"tokens.{part}.npy") for part in ("values", "offsets"))
    for n in range(20):
        np.testing.assert_array_equal(values[offsets[n] : offsets[n + 1]], tokens[n])
    assert np.load(tmp_path / "out" / "colour.npy").shape == (20, 3)


def test_what_cannot_be_exported(filled, tmp_path):
    with pytest.raises(InputError, match="`documents` must be one of jsonl, parquet"):
        export_files(filled.path, tmp_path / "out", documents="csv")
    with pytest.raises(InputError, match="is not a store"):
        export_files(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="exists"):
        export_files(filled.path, tmp_path / "mine")
    filled.close()
    connection = sqlite3.connect(filled.path / "store.sqlite", isolation_level=None)
    connection.execute("UPDATE documents SET text = 'other' WHERE id = 'd07'")
    connection.close()
    with pytest.raises(StorageError, match="d07"):
        export_files(filled.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()  # nothing half-written
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "store"]


def test_without_vectors_and_of_halves(coded, tmp_path):
    assert set(export_files(coded.path, tmp_path / "a", vectors=False).files) == {"documents.jsonl", "store.json"}
    export_files(coded.path, tmp_path / "b")
    assert np.load(tmp_path / "b" / "vectors.npy").shape == (30, 8)
