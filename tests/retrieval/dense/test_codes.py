"""Search over codes beside a plain oracle: every score in one matrix, sorted in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.retrieval.dense import codes as module
from accord.retrieval.dense.codes import code_search


def equal_bits(queries, codes):
    return (8.0 * codes.shape[1] - np.bitwise_count(queries[:, None] ^ codes[None]).sum(axis=2)).astype(np.float32)


def oracle(queries, rows, count, *, skip=(), prefer=lambda position: position):
    answers = []
    for scores in equal_bits(queries, rows):
        ranked = sorted((-score, prefer(p), p) for p, score in enumerate(scores.tolist()) if p not in set(skip))
        answers.append([(p, -score) for score, _, p in ranked[:count]])
    return answers


def plain(found):
    return [list(zip(p, s)) for p, s in zip(found[0].tolist(), found[1].tolist())]


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 60),
    count=st.integers(1, 70),
    dead=st.integers(0, 60),
    cuts=st.lists(st.integers(0, 60), max_size=3),
    preferring=st.booleans(),
)
def test_equals_the_oracle_with_ties_and_deleted_rows(seed, rows, count, dead, cuts, preferring):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (rows, 1)).astype(np.uint8)  # few values: ties everywhere
    queries = rng.integers(0, 256, (3, 1)).astype(np.uint8)
    skip = np.sort(rng.choice(rows, min(dead, rows), replace=False))
    order = rng.permutation(rows)
    segments = np.split(codes, sorted(min(cut, rows) for cut in cuts))
    prefer = (lambda positions: order[positions]) if preferring else None
    found = code_search(queries, segments, count, scores=equal_bits, skip=skip, prefer=prefer)
    assert plain(found) == oracle(
        queries, codes, count, skip=skip, prefer=(lambda p: order[p]) if preferring else (lambda p: p)
    )


@pytest.mark.parametrize("preferring", [False, True])
def test_small_blocks_and_floods_of_ties_change_nothing(monkeypatch, preferring):
    rng = np.random.default_rng(7)
    codes = rng.choice(np.array([[1, 7], [3, 7], [255, 0]], dtype=np.uint8), 4000)
    queries = rng.integers(0, 256, (4, 2)).astype(np.uint8)
    order = rng.permutation(len(codes))
    prefer = (lambda positions: order[positions]) if preferring else None
    whole = code_search(queries, [codes], 5, scores=equal_bits, prefer=prefer)
    wanted = oracle(queries, codes, 5, prefer=(lambda p: order[p]) if preferring else (lambda p: p))
    assert plain(whole) == wanted
    monkeypatch.setattr(module, "_CELLS", 1)
    monkeypatch.setattr(module, "_SPARE", 16)
    monkeypatch.setattr(module, "_QUERIES", 3)
    cut = np.split(codes, [10, 11, 2000])
    assert plain(code_search(queries, cut, 5, scores=equal_bits, prefer=prefer)) == wanted


def test_what_is_no_score_is_never_found():
    codes = np.arange(6, dtype=np.uint8)[:, None]
    values = np.array([1, np.nan, 3, -np.inf, 2, np.nan], dtype=np.float32)
    positions, scores = code_search(codes[:1], [codes], 6, scores=lambda q, c: values[c[:, 0]][None].copy())
    assert positions.tolist() == [[2, 4, 0, -1, -1, -1]]
    assert scores[0, :3].tolist() == [3, 2, 1]


def test_bounds():
    codes = np.arange(3, dtype=np.uint8)[:, None]
    assert code_search(codes, [], 4, scores=equal_bits)[0].shape == (3, 0)
    assert code_search(codes[:0], [codes], 4, scores=equal_bits)[1].shape == (0, 3)
    assert code_search(codes, [codes], 9, scores=equal_bits, skip=np.arange(3))[0].shape == (3, 0)
    with pytest.raises(InputError, match="`count` must be at least 1"):
        code_search(codes, [codes], 0, scores=equal_bits)
