import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.maths.ranks import average_ranks, id_order, top_k

COARSE = st.sampled_from([-1.0, -0.5, 0.0, -0.0, 0.25, 0.5])  # many ties


def plain_top_k(row, ids, k):
    order = sorted(range(len(row)), key=lambda j: (np.float32(row[j]), ids[j]), reverse=True)
    return order[:k]


@given(st.lists(st.lists(COARSE, min_size=7, max_size=7), min_size=1, max_size=4), st.integers(1, 9), st.randoms())
def test_top_k_equals_a_full_sort(rows, k, random):
    ids = [f"d{i}" for i in range(7)]
    random.shuffle(ids)
    columns, scores = top_k(np.array(rows), ids, k)
    assert columns.tolist() == [plain_top_k(row, ids, k) for row in rows]
    assert np.array_equal(scores, np.take_along_axis(np.array(rows, np.float32), columns, 1))


def test_top_k_on_wide_rows_with_all_scores_equal():
    columns, _ = top_k(np.zeros((2, 5000)), np.arange(5000), 3)
    assert columns.tolist() == [[4999, 4998, 4997]] * 2


def test_top_k_compares_in_float32():
    close = np.array([[0.5, 0.5 + 1e-12]])
    assert top_k(close, ["z", "a"], 1)[0].tolist() == [[0]]


def test_a_floor_hides_only_what_lies_below():
    scores = np.array([[0.1, 0.5, 0.3]])
    assert top_k(scores, ["a", "b", "c"], 3, floor=np.array([0.3], np.float32))[0].tolist() == [[1, 2, -1]]


def test_ids_are_compared_as_strings():
    assert id_order(["10", "9", "é", "z"]).tolist() == [0, 1, 3, 2]


def test_nan_and_wrong_ids_are_refused():
    with pytest.raises(InputError, match="NaN"):
        top_k(np.array([[np.nan]]), ["a"], 1)
    with pytest.raises(InputError, match="each of the 2 columns"):
        top_k(np.zeros((1, 2)), ["a"], 1)


@given(st.lists(COARSE, max_size=30))
def test_average_ranks_equal_scipy(values):
    assert np.array_equal(average_ranks(np.array(values)), scipy.stats.rankdata(values))
