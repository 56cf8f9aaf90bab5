"""The best of blocks: what sorting everything would give."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accord.maths.block_search import best_of_blocks


@given(st.integers(0, 9999), st.integers(1, 60), st.integers(1, 40))
def test_equals_a_sort_of_everything(seed: int, k: int, width: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 30, size=(3, 500)).astype(np.float32)  # many ties
    places, best = best_of_blocks((scores[:, i : i + width] for i in range(0, 500, width)), queries=3, k=k)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(best, np.take_along_axis(scores, order, axis=1))
    np.testing.assert_array_equal(places, order)


def test_what_is_no_number_is_never_found() -> None:
    places, best = best_of_blocks([np.array([[np.nan, 1.0, np.nan]])], queries=1, k=2)
    assert places.tolist() == [[1, -1]]
    assert best.tolist() == [[1.0, -np.inf]]


def test_fewer_places_than_asked_for() -> None:
    places, _ = best_of_blocks([np.array([[3.0], [4.0]])], queries=2, k=9)
    assert places.tolist() == [[0], [0]]
