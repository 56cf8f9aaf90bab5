"""Searches among some rows beside the same searches over those rows alone."""

from __future__ import annotations

import numpy as np
import pytest

from accord.retrieval.dense.codes import code_search
from accord.retrieval.dense.exact import exact_search
from accord.retrieval.dense.some_rows import Gathered, narrow

SHARES = [0.0, 0.01, 0.2, 0.5, 0.9, 1.0]


def chosen(rng, rows, share):
    return np.sort(rng.choice(rows, round(share * rows), replace=False))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("queries", [1, 20])
@pytest.mark.parametrize("cuts", [[], [1, 2, 200, 390]])
def test_exact_search_among_some_rows(rng, share, queries, cuts):
    rows = rng.integers(-2, 3, (400, 5)).astype(np.float32)  # few values: ties everywhere
    asked = rng.integers(-2, 3, (queries, 5)).astype(np.float32)
    keep, skip, order = chosen(rng, 400, share), chosen(rng, 400, 0.1), rng.permutation(400)
    left = np.setdiff1d(keep, skip)
    wanted = exact_search(asked, [rows[left]], 7, prefer=lambda here: order[left[here]])
    found = exact_search(asked, np.split(rows, cuts), 7, skip=skip, keep=keep, prefer=lambda here: order[here])
    assert found[0].shape == (queries, min(7, len(left)))
    assert np.array_equal(found[0], left[wanted[0]] if len(left) else wanted[0])
    assert np.array_equal(found[1], wanted[1])


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("queries", [1, 20])
@pytest.mark.parametrize("with_order", [False, True])
def test_code_search_among_some_rows(rng, share, queries, with_order):
    codes = rng.integers(0, 4, (400, 2)).astype(np.uint8)
    asked = rng.integers(0, 4, (queries, 2)).astype(np.uint8)
    keep, skip, order = chosen(rng, 400, share), chosen(rng, 400, 0.1), rng.permutation(400)
    left = np.setdiff1d(keep, skip)

    def equal_bits(some, others):
        return -np.bitwise_count(some[:, None] ^ others[None]).sum(axis=2, dtype=np.float32)

    by_row = (lambda here: order[here]) if with_order else None
    among = (lambda here: order[left[here]]) if with_order else None
    wanted = code_search(asked, [codes[left]], 9, scores=equal_bits, prefer=among)
    found = code_search(asked, np.split(codes, [5, 300]), 9, scores=equal_bits, skip=skip, keep=keep, prefer=by_row)
    assert np.array_equal(found[0], left[wanted[0]] if len(left) else wanted[0])
    assert np.array_equal(found[1], wanted[1])


def test_a_row_of_nan_is_not_found_among_the_kept(rng):
    rows = rng.standard_normal((50, 4)).astype(np.float32)
    rows[7] = np.nan
    found, scores = exact_search(rows[:1], [rows], 3, keep=np.array([3, 7, 9]))
    assert sorted(found[0, :2].tolist()) == [3, 9]
    assert (found[0, 2], scores[0, 2]) == (-1, -np.inf)


def test_few_rows_are_gathered_and_many_are_left_in_place():
    rows = np.arange(4000, dtype=np.float32).reshape(1000, 4)
    few, many = narrow([rows], np.arange(0, 1000, 50), None, 1), narrow([rows], np.arange(900), None, 1)
    assert isinstance(few.segments[0], Gathered)
    assert few.segments[0].rows is rows
    assert len(few.skip) == 0
    assert many.segments[0] is rows
    assert many.skip.tolist() == list(range(900, 1000))
    assert narrow([rows, rows], np.array([1500]), None, 1).positions(np.array([0])).tolist() == [1500]


def test_neighbours_are_not_copied():
    rows = np.arange(40, dtype=np.float32).reshape(10, 4)
    assert np.shares_memory(Gathered(rows, np.arange(3, 9))[1:4], rows)
    assert not np.shares_memory(Gathered(rows, np.array([1, 3, 4]))[:], rows)
    assert np.asarray(Gathered(rows, np.array([1, 3]))).tolist() == rows[[1, 3]].tolist()
    assert Gathered(rows, np.empty(0, dtype=np.int64))[:].shape == (0, 4)
