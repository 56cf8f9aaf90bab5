"""GradNorm against the formula written out, and its two ways of measuring."""

import pytest
import torch

from accord.training.balance import GradNorm
from accord.training.balance.base import Seen
from accord.training.balance.grad_norm import LEAST, grad_norm


def seen(gradients, losses, last=slice(0, 2)):
    return Seen(torch.tensor(losses).double(), (gradients @ gradients.T).double(), gradients, last)


def test_the_gradient_of_a_weight_is_its_length_with_the_sign_of_the_excess():
    weights, norms, losses, first = [1.2, 0.8], [2.0, 3.0], [0.5, 0.9], [1.0, 1.0]
    mean = (1.2 * 2 + 0.8 * 3) / 2
    rates = [0.5 / 0.7, 0.9 / 0.7]
    excess = [1.2 * 2 - mean * rates[0] ** 1.5, 0.8 * 3 - mean * rates[1] ** 1.5]
    held = torch.tensor(weights, requires_grad=True)
    value = grad_norm(held, torch.tensor(norms), torch.tensor(losses), torch.tensor(first))
    assert float(value.detach()) == pytest.approx(sum(map(abs, excess)), rel=1e-5)
    (found,) = torch.autograd.grad(value, held)
    assert found.tolist() == pytest.approx([2.0, -3.0])  # too long, too short


def test_weights_start_at_one_and_keep_their_mean():
    balancer = GradNorm(norms="all").start(2)
    gradients = torch.tensor([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert balancer.weights(seen(gradients, [1.0, 2.0])).tolist() == [1.0, 1.0]
    (learned,) = balancer.parameters()
    assert learned.grad.tolist() == [3.0, -1.0]
    with torch.no_grad():
        learned.copy_(torch.tensor([-1.0, 3.0]))
    found = balancer.weights(seen(gradients, [1.0, 2.0]))
    assert found.tolist() == pytest.approx([2 * LEAST / (3 + LEAST), 6 / (3 + LEAST)])


def test_the_last_matrix_alone_may_be_measured():
    gradients = torch.tensor([[3.0, 0.0, 100.0], [0.0, 1.0, 0.0]])
    last = GradNorm().start(2)
    last.weights(seen(gradients, [1.0, 1.0]))
    assert last.parameters()[0].grad.tolist() == [3.0, -1.0]


def test_alpha_helps_the_task_that_learns_slowly():
    """Equal lengths: the task whose loss fell less is to get a longer gradient."""
    balancer = GradNorm(norms="all").start(2)
    gradients = torch.eye(2)
    balancer.weights(seen(gradients, [1.0, 1.0]))
    balancer.weights(seen(gradients, [0.9, 0.3]))
    assert balancer.parameters()[0].grad.tolist() == [-1.0, 1.0]


def test_it_survives_a_checkpoint():
    gradients = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    first, second = GradNorm().start(2), GradNorm().start(2)
    first.weights(seen(gradients, [1.0, 2.0]))
    second.restore(first.tensors())
    for balancer in (first, second):
        balancer.weights(seen(gradients, [0.5, 1.9]))
    assert torch.equal(first.parameters()[0].grad, second.parameters()[0].grad)
