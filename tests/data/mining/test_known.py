import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.core.types import Ragged
from accord.data.mining.known import listed, same_class


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=8), st.integers(1, 10), st.integers(1, 8))
@settings(deadline=None)
def test_lists_by_blocks_are_the_whole_mask(rows, width, height):
    wanted = np.zeros((len(rows), 10), dtype=bool)
    for query, row in enumerate(rows):
        wanted[query, row] = True
    forbid, found = listed(Ragged.of([sorted(set(row)) for row in rows], dtype=np.int64)), np.zeros_like(wanted)
    for first in range(0, len(rows), height):
        for start in range(0, 10, width):
            part, span = slice(first, min(first + height, len(rows))), slice(start, min(start + width, 10))
            found[part, span][forbid(part, span)] = True
    np.testing.assert_array_equal(found, wanted)


def test_classes_are_shared_by_any_of_several_and_padding_is_none():
    queries, documents = np.array([[0, 2], [1, -1], [-1, -1]]), np.array([[2, 3], [1, -1], [-1, -1]])
    mask = same_class(queries, documents)(slice(0, 3), slice(0, 3))
    assert mask.tolist() == [[True, False, False], [False, True, False], [False, False, False]]
