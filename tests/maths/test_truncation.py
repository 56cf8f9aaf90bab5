"""Truncated factors: against torch's singular value decomposition, long and wide, and exact at full rank."""

import pytest
import torch

from accord.core.errors import InputError
from accord.maths.truncation import low_rank_factors


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (9, 9)])
@pytest.mark.parametrize("rank", [1, 5, 9])
def test_it_is_the_truncated_svd(shape, rank):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, s, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    up, down, kept = low_rank_factors(matrix, rank)
    wanted = u[:, :rank] * s[:rank] @ v[:rank]
    torch.testing.assert_close((up @ down).double(), wanted, rtol=0, atol=1e-5)
    assert kept == pytest.approx(float(s[:rank].square().sum() / s.square().sum()))
    assert up.shape == (shape[0], rank)
    assert down.shape == (rank, shape[1])


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_full_rank_loses_nothing_also_of_small_matrices(scale):
    matrix = scale * torch.randn(20, 8, generator=torch.Generator().manual_seed(1))
    up, down, kept = low_rank_factors(matrix, 100)
    torch.testing.assert_close(up @ down, matrix, rtol=0, atol=1e-5 * scale)
    assert kept == pytest.approx(1.0)


def test_a_matrix_of_zeros_keeps_everything():
    up, down, kept = low_rank_factors(torch.zeros(3, 4), 2)
    assert not (up @ down).any()
    assert kept == 1.0


def test_a_rank_of_zero_is_refused():
    with pytest.raises(InputError, match="rank"):
        low_rank_factors(torch.eye(2), 0)
