"""Indexes are read from the bytes that were hashed, without a copy, and what FAISS refuses is one clear error."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from accord.core.errors import StorageError
from accord.retrieval.dense import HNSW, IVF
from accord.retrieval.dense.base import Candidates, read_index, write_index

pytest.importorskip("faiss")


@pytest.mark.parametrize("settings", [HNSW(links=4, storage="float16"), HNSW(), IVF()], ids=repr)
def test_an_index_reads_back_from_a_mapped_file(tmp_path, settings):
    rows = np.random.default_rng(0).standard_normal((600, 12)).astype(np.float32)
    index = settings.build(rows, [rows[:200], rows[200:]], len(rows))
    write_index(index, str(tmp_path / "index"))
    with (tmp_path / "index").open("rb") as handle:
        buffer = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    again = Candidates(settings, read_index(buffer, "index"), 600, False, buffer)
    before = Candidates(settings, index, 600, False)
    assert np.array_equal(again.search(rows[:9], 5, None), before.search(rows[:9], 5, None))
    only = np.zeros(600, dtype=bool)
    only[100:140] = True
    found = again.search(rows[:9], 5, again.only(only))
    assert set(found[found >= 0].tolist()) <= set(range(100, 140))


@pytest.mark.parametrize("data", [b"", b"not an index at all", b"IHNf" + bytes(200)])
def test_what_faiss_refuses(data):
    with pytest.raises(StorageError, match="somewhere: FAISS cannot read it"):
        read_index(data or b"\0", "somewhere")


def test_settings_of_a_search_are_those_it_was_given_last():
    rows = np.eye(4, dtype=np.float32)
    made = Candidates(HNSW(), HNSW().build(rows, [rows], 4), 4, False)
    wide = HNSW(ef_search=300)
    assert made.asked(wide) is made.asked(HNSW(ef_search=300))
    assert made.asked(wide)._parameters(3, None).efSearch == 300
    wide.ef_search = 500
    assert made.asked(wide)._parameters(3, None).efSearch == 500
    assert made._parameters(3, None).efSearch == 128
    assert made._parameters(200, None).efSearch == 200
