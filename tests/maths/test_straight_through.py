"""Steps go forward exactly and backward as if they were not there."""

import pytest
import torch

from accord.maths.straight_through import round_through, sign_through


def test_signs_are_signs_and_zero_is_below():
    values = torch.tensor([[-2.0, -0.1, 0.0], [0.1, 1.0, 5.0]])
    assert sign_through(values).tolist() == [[-1, -1, -1], [1, 1, 1]]
    assert sign_through(values.double()).dtype == torch.float64


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_the_gradient_passes_within_the_width_alone(width):
    values = torch.tensor([-1.2, -1.0, -0.5, 0.0, 0.5, 0.7, 2.0], requires_grad=True)
    slope = torch.arange(1.0, 8.0)
    (sign_through(values, width=width) * slope).sum().backward()
    assert torch.equal(values.grad, slope * (values.detach().abs() <= width))


def test_rounding_passes_every_gradient():
    shares = torch.tensor([0.0, 0.49, 0.5, 0.51, 1.0], requires_grad=True)
    rounded = round_through(shares)
    (rounded * torch.arange(5.0)).sum().backward()
    assert rounded.tolist() == [0, 0, 0, 1, 1]
    assert torch.equal(shares.grad, torch.arange(5.0))


def test_one_sign_is_learned_through_the_step():
    weight = torch.tensor([-0.3, 0.2], requires_grad=True)
    inputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    for _ in range(50):
        loss = ((sign_through(inputs @ weight) - torch.tensor([1.0, -1.0, 1.0])) ** 2).sum()
        (gradient,) = torch.autograd.grad(loss, weight)
        weight = (weight - 0.02 * gradient).detach().requires_grad_()
    assert sign_through(inputs @ weight).tolist() == [1, -1, 1]
