"""What stays and what is dropped."""

import numpy as np
import pytest
import torch

from accord.maths.element_random import element_uniforms
from accord.maths.sparsify import keep_at_random, keep_between, keep_by_rank, keep_largest, spread


def some(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_limits_are_inclusive_to_the_bit():
    x = some(500)
    least, most = x.abs().sort().values[[100, 400]]
    inside = (x.abs() >= least) & (x.abs() <= most)
    assert torch.equal(keep_largest(x, float(least)), x * (x.abs() >= least))
    assert torch.equal(keep_between(x, float(least), float(most)), x * inside)
    assert torch.equal(keep_between(x, least, most), x * inside)
    assert torch.equal(keep_largest(x, 0.0), x)


@pytest.mark.parametrize("keep", [lambda x: keep_largest(x, 0.5), lambda x: keep_between(x, 0.5, 1.0)])
def test_gradients_flow_through_what_stays(keep):
    x = some(50).requires_grad_()
    keep(x).sum().backward()
    assert torch.equal(x.grad, (keep(x.detach()) != 0).float())


def test_dropping_at_random():
    x, uniforms = some(20, 30), element_uniforms([1], 0, 600)
    kept = uniforms.view(20, 30) < 0.3
    assert torch.equal(keep_at_random(x, uniforms, 0.3, rescale=False), x * kept)
    torch.testing.assert_close(keep_at_random(x, uniforms, 0.3), x * kept / 0.3)


def slow_keep_by_rank(rows, uniforms, density, epsilon):
    """One element at a time."""
    merged = np.zeros(rows.shape)
    length = rows.shape[1]
    for r, row in enumerate(rows):
        for rank, place in enumerate(np.argsort(np.abs(row), kind="stable")):
            share = rank / (length - 1) if length > 1 else 0.5
            probability = density - epsilon + 2 * epsilon * share
            if uniforms[r, place] < probability:
                merged[r, place] = row[place] / probability
    return merged


@pytest.mark.parametrize("length", [1, 2, 7])
def test_dropping_by_rank_equals_the_plain_loop(length):
    rows = some(40, length).mul(3).round().div(3)  # with ties
    uniforms = element_uniforms([2], 0, rows.numel())
    expected = slow_keep_by_rank(rows.numpy(), uniforms.view(rows.shape).numpy(), 0.5, 0.3)
    np.testing.assert_allclose(keep_by_rank(rows, uniforms, 0.5, 0.3).numpy(), expected, rtol=1e-5)


def test_spread_is_the_variance_and_exactly_zero_for_equals():
    tensors = [some(30, seed=seed) for seed in range(4)]
    torch.testing.assert_close(spread(tensors), torch.stack(tensors).var(dim=0, unbiased=False))
    assert torch.equal(spread([tensors[0]] * 3), torch.zeros(30))
