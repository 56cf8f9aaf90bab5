"""Settings of HNSW."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.dense import HNSW


def test_bad_settings():
    for bad in ({"links": 1}, {"ef_construction": 0}, {"ef_search": 0}, {"storage": "int4"}, {"dim": 0}):
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
    sizes = (100, 50_000, 1_600_000)
    views = [HNSW().parameters(SimpleNamespace(ntotal=rows), 10, None, 1.0).efSearch for rows in sizes]
    assert views == [128, 128, 512]


def lying_in_few_directions(rows: int, dim: int, few: int) -> np.ndarray:
    draws = np.random.default_rng(7)
    turn, _ = np.linalg.qr(draws.standard_normal((dim, dim)))
    spread = np.where(np.arange(dim) < few, 1.0, 0.02)
    made = (draws.standard_normal((rows, dim)) * spread) @ turn
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("storage", ["int8", "float16", "float32"])
def test_rows_of_few_directions_are_kept_along_these(storage):
    faiss = pytest.importorskip("faiss")
    rows = lying_in_few_directions(2000, 64, 20)
    whole = HNSW(storage=storage, dim=64).build(rows, [rows], len(rows))
    assert not isinstance(whole, faiss.IndexPreTransform)
    turned = HNSW(storage=storage).build(rows, [rows[:900], rows[900:]], len(rows))
    assert (turned.ntotal, turned.d) == (2000, 64)
    assert faiss.downcast_index(turned.index).d == 32  # 20 of them hold 95 %: the next multiple of 16
    near = np.argsort(-(rows[:40] @ rows.T), axis=1)[:, :10]
    for index in (whole, turned):
        _, found = index.search(rows[:40], 10, params=HNSW().parameters(index, 10, None, 1.0))
        assert np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), near.tolist())]) > 9.7


def test_as_many_directions_as_are_asked_for():
    faiss = pytest.importorskip("faiss")
    rows = lying_in_few_directions(500, 24, 24)
    for dim, kept in ((5, 5), (23, 23)):
        assert faiss.downcast_index(HNSW(dim=dim).build(rows, [rows], len(rows)).index).d == kept
    for dim in (24, 100):
        assert HNSW(dim=dim).build(rows, [rows], len(rows)).d == 24


def test_a_turned_index_is_asked_with_a_view_and_a_filter():
    faiss = pytest.importorskip("faiss")
    rows = lying_in_few_directions(600, 32, 8)
    index = HNSW(links=2, ef_construction=8).build(rows, [rows], len(rows))
    scores = [
        index.search(rows[:50], 5, params=HNSW(ef_search=view).parameters(index, 5, None, 1.0))[0].sum()
        for view in (5, 20, 200)
    ]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]
    even = np.arange(600) % 2 == 0
    selector = faiss.IDSelectorBitmap(np.packbits(even, bitorder="little"))
    _, found = index.search(rows[1:2], 20, params=HNSW().parameters(index, 20, selector, 0.5))
    assert (found % 2 == 0).all()
