"""Least squares from second moments, beside the plain solution."""

import pytest
import torch

from accord.core.errors import InputError
from accord.maths.least_squares import explain_rest, ridge


def test_without_penalty_it_is_the_least_squares_solution(generator):
    x = torch.randn(50, 4, generator=generator, dtype=torch.float64)
    y = torch.randn(50, 2, generator=generator, dtype=torch.float64)
    wanted = torch.linalg.lstsq(x, y).solution
    torch.testing.assert_close(ridge(x.T @ x, x.T @ y, penalty=0.0), wanted)
    assert ridge(x.T @ x, x.T @ y, penalty=1.0).norm() < wanted.norm()


def test_what_depends_on_others_is_told_exactly(generator):
    x = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    whole = torch.cat([x, x @ torch.tensor([[1.0], [2.0], [-1.0]], dtype=torch.float64)], dim=1)
    found = explain_rest(whole.T @ whole, torch.tensor([0, 1, 2]), torch.tensor([3]), penalty=0.0)
    torch.testing.assert_close(found.flatten(), torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64))


def test_nothing_and_a_negative_penalty():
    assert not ridge(torch.zeros(2, 2), torch.zeros(2, 1)).any()
    with pytest.raises(InputError, match="`penalty` must be at least 0"):
        ridge(torch.eye(2), torch.eye(2), penalty=-1)
