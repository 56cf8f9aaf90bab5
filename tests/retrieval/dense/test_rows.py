"""Rows by position, and half-precision rows that read as float32."""

from __future__ import annotations

import numpy as np

from accord.retrieval.dense import exact_search
from accord.retrieval.dense.rows import Halves, float_rows, rows_at, tail


def test_rows_at_equals_one_array():
    rows = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    places = np.random.default_rng(1).integers(0, 50, 200)
    assert np.array_equal(rows_at(np.split(rows, [1, 20, 20, 33]), places), rows[places])
    assert np.array_equal(rows_at([rows], places), rows[places])


def test_tail():
    rows = np.arange(20.0, dtype=np.float32).reshape(10, 2)
    for first in range(11):
        parts = tail(np.split(rows, [3, 7]), first)
        assert np.array_equal(np.concatenate([np.empty((0, 2), dtype=np.float32), *parts]), rows[first:])
    halves = [Halves(rows[:4].astype(np.float16), unit=False), Halves(rows[4:].astype(np.float16), unit=False)]
    assert np.array_equal(np.concatenate([part[:] for part in tail(halves, 2)]), rows[2:])


def test_halves_are_searched_as_the_float32_rows_they_stand_for():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((300, 24)).astype(np.float32)
    halves = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    (view,) = float_rows([halves], "cosine")
    assert np.allclose(np.linalg.norm(view[:], axis=1), 1, atol=1e-6)
    found, right = exact_search(rows[:5], [view], 7), exact_search(rows[:5], [view[:]], 7)
    assert all(np.array_equal(a, b) for a, b in zip(found, right))
    assert float_rows([rows], "cosine")[0] is rows
    assert np.array_equal(float_rows([halves], "dot")[0][:9], halves[:9].astype(np.float32))
