"""Exact search beside a plain oracle: float64 scores, rounded once, sorted in Python."""

from __future__ import annotations

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.dense import exact
from accord.retrieval.dense.exact import exact_search


def oracle(queries, rows, k, *, skip=(), prefer=lambda position: position):
    answers = []
    for query in np.asarray(queries, dtype=np.float32).astype(np.float64):
        scored = [
            (-float(np.float32((row.astype(np.float64) * query).sum())), prefer(p), p)
            for p, row in enumerate(rows)
            if p not in set(skip)
        ]
        answers.append([(p, -score) for score, _, p in sorted(scored)[:k]])
    return answers


def plain(found):
    return [list(zip(p, s)) for p, s in zip(found[0].tolist(), found[1].tolist())]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("k", [1, 3, 10, 500])
@pytest.mark.parametrize("cuts", [[], [1, 2, 150]])
def test_equals_the_oracle_with_ties_and_deleted_rows(rng, k, cuts):
    rows = rng.integers(-2, 3, (300, 5)).astype(np.float32)  # few values: ties everywhere, negative scores too
    queries = rng.integers(-2, 3, (9, 5)).astype(np.float32)
    skip = np.sort(rng.choice(300, 40, replace=False))
    order = rng.permutation(300)
    found = exact_search(queries, np.split(rows, cuts), k, skip=skip, prefer=lambda positions: order[positions])
    assert plain(found) == oracle(queries, rows, k, skip=skip, prefer=lambda p: order[p])


def test_small_blocks_and_floods_of_ties_change_nothing(rng, monkeypatch):
    rows = np.repeat(rng.standard_normal((3, 6)).astype(np.float32), 3000, axis=0)
    rng.shuffle(rows)
    queries = rng.standard_normal((4, 6)).astype(np.float32)
    order = rng.permutation(len(rows))
    whole = exact_search(queries, [rows], 5, prefer=lambda p: order[p])
    assert plain(whole) == oracle(queries, rows, 5, prefer=lambda p: order[p])
    monkeypatch.setattr(exact, "_CELLS", 1)
    monkeypatch.setattr(exact, "_QUERIES", 3)
    assert plain(exact_search(queries, np.split(rows, [10, 11, 5000]), 5, prefer=lambda p: order[p])) == plain(whole)


def test_an_answer_does_not_depend_on_its_batch_or_on_the_layout(rng):
    rows = rng.standard_normal((5000, 64)).astype(np.float32)
    rows[1::2] = rows[::2]  # equal vectors must tie to the last bit
    queries = rng.standard_normal((33, 64)).astype(np.float32)
    together = plain(exact_search(queries, [rows], 8))
    assert [plain(exact_search(q[None], np.split(rows, [777, 3001]), 8))[0] for q in queries] == together
    for answer in together:
        assert all(a[1] == b[1] and b[0] == a[0] + 1 for a, b in zip(answer[::2], answer[1::2]))


def test_near_ties_are_ranked_by_their_exact_scores():
    base = np.full(512, 0.1, dtype=np.float32)
    rows = np.stack([base] * 64)
    for n in range(64):
        rows[n, n] = np.nextafter(rows[n, n], np.float32(1), dtype=np.float32)
    query = np.linspace(0.5, 3, 512, dtype=np.float32)
    assert plain(exact_search(query[None], [rows], 20)) == oracle(query[None], rows, 20)


def test_rows_of_a_damaged_file_do_not_crash_or_hide_the_others(rng):
    rows = rng.standard_normal((50, 4)).astype(np.float32)
    rows[3], rows[4], rows[5, 0] = np.nan, np.inf, 3e38
    query = np.array([[1.0, -1.0, 0.5, 2.0]], dtype=np.float32)
    positions, _ = exact_search(query, [rows], 40, largest_norm=10.0)
    good = {p for p, _ in oracle(query, np.delete(rows, [3, 4, 5], axis=0), 30)[0]}
    back = np.delete(np.arange(50), [3, 4, 5])
    assert {int(back[p]) for p in good} <= set(positions[0].tolist())
    assert 3 not in positions


def test_bounds():
    rows = np.eye(3, dtype=np.float32)
    assert exact_search(rows[:2], [], 4)[0].shape == (2, 0)
    assert exact_search(np.empty((0, 3)), [rows], 4)[1].shape == (0, 3)
    assert exact_search(rows, [rows], 9, skip=np.array([0, 1, 2]))[0].shape == (3, 0)
    with pytest.raises(InputError, match="`k` must be at least 1"):
        exact_search(rows, [rows], 0)
    with pytest.raises(InputError, match="dim"):
        exact_search(rows, [np.eye(4, dtype=np.float32)], 1)
