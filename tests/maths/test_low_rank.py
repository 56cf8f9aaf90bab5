"""Thin factors beside the whole matrix."""

import pytest
import torch

from accord.core.errors import InputError
from accord.maths.low_rank import product_norm, truncated_matrix, truncated_pairing, truncated_product


def factors(outer, inside, inner, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(outer, inside, generator=generator), torch.randn(inside, inner, generator=generator)


@pytest.mark.parametrize(("outer", "inside", "inner"), [(30, 4, 20), (5, 9, 40), (7, 12, 8), (1, 1, 1)])
@pytest.mark.parametrize("rank", [1, 3, None])
def test_factors_give_the_svd_of_the_whole(outer, inside, inner, rank):
    up, down = factors(outer, inside, inner)
    found = truncated_product(up, down, rank)
    whole = (up.double() @ down.double()).float()
    wanted = truncated_matrix(whole, rank or min(outer, inner))
    torch.testing.assert_close(found.up @ found.down, wanted.up @ wanted.down, rtol=0, atol=1e-4)
    assert found.energy == pytest.approx(wanted.energy, abs=1e-5)
    assert found.up.shape[1] == len(found.down) <= (rank or min(outer, inside, inner))


def test_no_matrix_of_its_rank_is_nearer():
    up, down = factors(12, 6, 9)
    found = truncated_product(up, down, 2)
    own = torch.dist(found.up @ found.down, up @ down)
    for seed in range(1, 20):
        other_up, other_down = factors(12, 2, 9, seed)
        near = found.up + 0.05 * other_up, found.down + 0.05 * other_down
        assert torch.dist(near[0] @ near[1], up @ down) > own


def test_norm_and_zeros():
    up, down = factors(8, 3, 5)
    assert product_norm(up, down) == pytest.approx(float((up @ down).norm()), rel=1e-5)
    assert truncated_product(torch.zeros(3, 2), torch.zeros(2, 4), 1).energy == 1.0
    with pytest.raises(InputError, match="`rank` must be at least 1"):
        truncated_product(up, down, 0)


def test_a_pairing_keeps_the_values_that_matter(generator):
    left, right = (torch.randn(6, 6, generator=generator, dtype=torch.float64) for _ in range(2))
    left, right = left @ left.T, right @ right.T
    matrix = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    whole = truncated_pairing(left, right, matrix, 6)
    torch.testing.assert_close(whole[0] @ whole[1].T, matrix)

    def missed(e, d):
        gap = matrix - e @ d.T
        return float(torch.trace(gap.T @ left @ gap @ right))

    plain = truncated_matrix(matrix, 3)
    assert missed(*truncated_pairing(left, right, matrix, 3)) < missed(plain.up, plain.down.T)
