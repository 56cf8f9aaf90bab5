"""Approximate search beside exact search: candidates from an index, scores and ties from the rows."""

from __future__ import annotations

import numpy as np
import pytest

from accord.retrieval.dense import HNSW, IVF, exact_search
from accord.retrieval.dense.approximate import approximate_search, build_index
from accord.retrieval.dense.base import Candidates

pytest.importorskip("faiss")
NOTHING = np.empty(0, dtype=np.int64)
EVERY = [
    HNSW(links=8, ef_construction=32, ef_search=64),
    IVF(lists=16, probes=12),
    IVF(lists=8, probes=8, storage="float32"),
]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    latent = rng.standard_normal((6_000, 6)) @ rng.standard_normal((6, 16))
    rows = (latent + 0.1 * rng.standard_normal(latent.shape)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def ready(rows):
    """Indexes over the first 5,000 rows, made once."""
    return [made(settings, rows[:5_000]) for settings in EVERY]


def made(settings, rows, *, widen=None):
    return Candidates(settings, build_index(settings, [rows], widen=widen), len(rows), widen is not None)


def both(queries, segments, k, *, index, skip=NOTHING, keep=None, longest=1.0, prefer=lambda p: p):
    rules = {"skip": skip, "keep": keep, "largest_norm": longest, "prefer": prefer}
    return approximate_search(queries, segments, k, index=index, **rules), exact_search(queries, segments, k, **rules)


def recall(found, exact):
    return float((found[1] >= exact[1][:, -1:]).mean())


@pytest.mark.parametrize("number", range(len(EVERY)))
def test_finds_nearly_all_and_scores_as_exact_search_does(rows, ready, number):
    found, exact = both(rows[:50], [rows[:3000], rows[3000:5000]], 10, index=ready[number])
    assert recall(found, exact) >= 0.97
    for places, scores, right, values in zip(*found, *exact):
        known = dict(zip(right.tolist(), values.tolist()))
        assert all(known.get(p, s) == s for p, s in zip(places.tolist(), scores.tolist()))
        assert sorted(scores.tolist(), reverse=True) == scores.tolist()


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("share", [1.0, 0.9, 0.01, 0.001])
def test_rows_that_came_later_deleted_rows_and_filters(rows, ready, number, share):
    rng = np.random.default_rng(6)
    skip = np.sort(rng.choice(len(rows), 250, replace=False))
    keep = None if share == 1.0 else np.sort(rng.choice(len(rows), int(share * len(rows)), replace=False))
    found, exact = both(rows[::200], np.split(rows, [4_500, 5_500]), 10, index=ready[number], skip=skip, keep=keep)
    assert found[0].shape == exact[0].shape
    assert (found[0] >= 0).all()
    assert not np.isin(found[0], skip).any()
    assert keep is None or np.isin(found[0], keep).all()
    assert recall(found, exact) >= 0.97


def test_an_index_that_finds_too_little_gives_way_to_exact_search(rows):
    index = made(IVF(lists=64, probes=1), rows)
    keep = np.arange(0, len(rows), 2)
    found, exact = both(rows[:20], [rows], 900, index=index, keep=keep)
    assert (found[0] >= 0).all()
    assert np.array_equal(found[1][:, 0], exact[1][:, 0])
    assert recall(found, exact) == 1.0


def test_ties_are_settled_as_exact_search_settles_them(rows):
    some = rows[:400].copy()
    some[7] = some[3] = some[250] = some[11]
    order = np.random.default_rng(0).permutation(400)
    settings = HNSW(ef_search=400)
    found, exact = both(some[11:12], [some], 3, index=made(settings, some), prefer=lambda p: order[p])
    assert found[0].tolist() == exact[0].tolist()
    assert found[1].tolist() == exact[1].tolist()


def test_rows_of_many_lengths(rows):
    lengths = np.random.default_rng(2).uniform(0.2, 3, len(rows)).astype(np.float32)
    long = (rows * lengths[:, None])[:3000]
    found, exact = both(rows[:40], [long], 10, index=made(EVERY[0], long, widen=3.01), longest=3.01)
    assert recall(found, exact) >= 0.95


def test_damaged_rows_are_never_found(rows):
    some = rows[:500].copy()
    index = made(HNSW(ef_search=300), some)
    some[20] = np.nan
    found, _ = both(rows[20:21], [some], 10, index=index)
    assert 20 not in found[0]
    assert np.isfinite(found[1]).all()
