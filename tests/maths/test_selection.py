"""The k-th magnitude from counts, against sorting."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from accord.maths.selection import Tally, count_magnitudes, count_of_share, kth_magnitudes, row_magnitudes

FLOATS = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=60)


def streamed(tensors, ranks, cuts):
    """Both surveys over pieces that end at `cuts`."""
    surveys = []
    for _ in range(2):
        total = None
        for start, end in zip([0, *cuts], [*cuts, len(tensors[0])]):
            found = count_magnitudes([tensor[start:end] for tensor in tensors], surveys, ranks)
            total = found if total is None else total + found
        surveys.append(total)
    return kth_magnitudes(surveys, ranks)


@given(values=FLOATS, data=st.data())
def test_equals_sorting_however_it_is_cut(values, data):
    ranks = data.draw(st.lists(st.integers(1, len(values)), min_size=1, max_size=3))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    ordered = np.sort(np.abs(np.float32(values)))[::-1]
    assert streamed([torch.tensor(values)], [ranks], cuts) == [[float(ordered[rank - 1]) for rank in ranks]]


def test_several_tensors_with_ranks_of_their_own():
    draw = torch.Generator().manual_seed(0)
    tensors = [torch.randn(200_000, generator=draw) * size for size in (1.0, 1e-3, 1e-30)]
    ranks = [[1, 200_000], [40_000, 3], [777, 778]]
    ordered = [tensor.abs().sort(descending=True).values for tensor in tensors]
    expected = [[float(row[rank - 1]) for rank in wanted] for row, wanted in zip(ordered, ranks)]
    assert streamed(tensors, ranks, [70_000, 70_001, 150_000]) == expected


def test_many_equal_values_and_values_one_bit_apart():
    near = torch.tensor([1.0, np.nextafter(np.float32(1), np.float32(2)), -1.0, 0.0, -0.0]).repeat(30_000)
    assert streamed([near], [[30_000, 30_001, 90_000, 90_001]], [1000]) == [[float(near[1]), 1.0, 1.0, 0.0]]


def test_tallies_add_up_in_place_and_out_of_place():
    rows = [torch.randint(0, 50, (n,), generator=torch.Generator().manual_seed(n)).int() for n in (3, 40, 200, 7)]
    whole, one, two = Tally(50, [torch.cat(rows)]), Tally(50, [rows[0]]), Tally(50, [rows[0]])
    for row in rows[1:]:
        before = one.total(0)
        summed = one + Tally(50, [row])
        assert one.total(0) == before, "a sum leaves its parts alone"
        one = summed
        two += Tally(50, [row])
    for rank in range(1, 251):
        assert whole.descend(0, rank) == one.descend(0, rank) == two.descend(0, rank)


def test_nothing_counted_gives_zero():
    assert streamed([torch.empty(0)], [[1]], []) == [[0.0]]


def test_rows():
    rows = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    ordered = rows.abs().sort(dim=1, descending=True).values
    for rank, found in zip([1, 4, 9], row_magnitudes(rows, [1, 4, 9])):
        assert torch.equal(found, ordered[:, rank - 1 : rank])


def test_shares_round_down_but_never_to_none():
    assert [count_of_share(0.7, 10), count_of_share(0.29, 100), count_of_share(0.2, 4), count_of_share(1, 5)] == [
        7,
        29,
        1,
        5,
    ]
