"""Settings of HNSW."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.dense import HNSW


def test_bad_settings():
    for bad in ({"links": 1}, {"ef_construction": 0}, {"ef_search": 0}, {"storage": "int4"}):
        with pytest.raises(InputError, match=next(iter(bad))):
            HNSW(**bad)


def test_a_wider_view_finds_no_less():
    pytest.importorskip("faiss")
    rows = np.random.default_rng(1).standard_normal((3000, 32)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = HNSW(links=4, ef_construction=16).build(rows, [rows], len(rows))
    near = np.argsort(-(rows[:40] @ rows.T), axis=1)[:, :10]
    shares = []
    for breadth in (10, 60, 600):
        _, found = index.search(rows[:40], 10, params=HNSW(ef_search=breadth).parameters(index, 10, None, 1.0))
        shares.append(np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), near.tolist())]))
    assert shares == sorted(shares)
    assert shares[-1] > 9.5


def test_a_filter_widens_the_view_up_to_eight_times():
    pytest.importorskip("faiss")
    settings = HNSW(ef_search=100)
    asked = [settings.parameters(None, 10, None, share).efSearch for share in (1.0, 0.5, 0.01)]
    assert asked == [100, 200, 800]


def test_more_rows_take_a_wider_view():
    pytest.importorskip("faiss")
    views = [HNSW().parameters(SimpleNamespace(ntotal=rows), 10, None, 1.0).efSearch for rows in (100, 50_000, 800_000)]
    assert views == [128, 128, 256]
