"""Uncertainty weighting against the formula and its minimum."""

import pytest
import torch

from accord.training.balance import Uncertainty
from accord.training.balance.uncertainty import uncertainty


def test_the_loss_is_least_where_weights_are_inverse_losses():
    losses = torch.tensor([0.5, 2.0, 3.0])
    s = losses.log().requires_grad_()
    (gradient,) = torch.autograd.grad(uncertainty(losses, s), s)
    torch.testing.assert_close(gradient, torch.zeros(3), atol=1e-6, rtol=0)
    assert float(uncertainty(losses, s.detach())) == pytest.approx(3 + float(losses.log().sum()))


def test_one_step_by_hand():
    """From s = 0 the gradient is 1 - L, and the weights are 1."""
    balancer = Uncertainty(lr_factor=7).start(2)
    torch.testing.assert_close(balancer.foreseen(1), torch.ones(2).double())
    balancer.learn(torch.tensor([3.0, 0.5]).double())
    (held,) = balancer.parameters()
    torch.testing.assert_close(held.grad, torch.tensor([-2.0, 0.5]))
    assert balancer.lr_factor == 7
    with torch.no_grad():
        held -= 0.1 * held.grad
    torch.testing.assert_close(balancer.foreseen(2), torch.exp(torch.tensor([-0.2, 0.05])).double())


def test_it_survives_a_checkpoint():
    first, second = Uncertainty().start(2), Uncertainty().start(2)
    with torch.no_grad():
        first.parameters()[0].copy_(torch.tensor([0.3, -0.2]))
    second.restore(first.tensors())
    assert torch.equal(first.foreseen(1), second.foreseen(1))
