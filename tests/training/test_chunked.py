"""Chunks change where memory goes, never the gradient."""

import pytest
import torch
from torch import nn

from accord.objectives import InfoNCE
from accord.training.memory.chunked import full_graph, grad_cache


def _setup(dropout):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 4)).double()
    rows = torch.randn(12, 6, dtype=torch.float64)
    chunks = [rows[:5], rows[5:6], rows[6:]]

    def forward(number):
        torch.manual_seed(100 + number)
        return model(chunks[number])

    def loss(outputs):
        vectors = torch.cat(list(outputs))
        return InfoNCE(temperature=0.5)(vectors[:6] @ vectors[6:].T)

    return model, rows, forward, loss


def _gradients(model, run):
    model.zero_grad(set_to_none=True)
    value = run()
    return value, [p.grad.clone() for p in model.parameters()]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_grad_cache_equals_the_full_graph_with_the_same_dropout_masks(dropout):
    model, _, forward, loss = _setup(dropout)
    full, expected = _gradients(model, lambda: full_graph(forward, 3, loss))
    cached, found = _gradients(model, lambda: grad_cache(forward, 3, loss))
    torch.testing.assert_close(cached, full, rtol=0, atol=1e-12)
    for a, b in zip(found, expected):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_both_equal_one_pass_over_the_whole_batch():
    model, rows, forward, loss = _setup(0.0)

    def whole():
        value = loss([model(rows)])
        value.backward()
        return value.detach()

    expected_value, expected = _gradients(model, whole)
    for method in (full_graph, grad_cache):
        value, found = _gradients(model, lambda method=method: method(forward, 3, loss))
        torch.testing.assert_close(value, expected_value)
        for a, b in zip(found, expected):
            torch.testing.assert_close(a, b)


def test_grad_cache_keeps_one_chunk_in_memory_at_a_time():
    """While chunk k goes back, no other chunk holds a graph."""
    alive = []

    class Watch(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, number):
            ctx.number = number
            alive.append(number)
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            alive.remove(ctx.number)
            return gradient, None

    weight = torch.ones(4, 4, requires_grad=True)
    seen = []

    def forward(number):
        if torch.is_grad_enabled():
            seen.append(list(alive))
            return Watch.apply(torch.eye(4) @ weight, number)
        return torch.eye(4) @ weight

    grad_cache(forward, 3, lambda outputs: sum((part**2).sum() for part in outputs))
    assert seen == [[], [], []]
