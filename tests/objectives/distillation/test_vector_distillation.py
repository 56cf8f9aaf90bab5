"""Distillation of vectors: its formulas, the projection between dimensions, and what it refuses."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import VectorDistillation
from accord.objectives.distillation.vector_distillation import vector_distillation


def two(*shape):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2)]


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 3)])
def test_equals_its_formulas(shape):
    x, t = two(*shape)
    rows = list(zip(x.reshape(-1, 3), t.reshape(-1, 3)))
    expected = {
        "cosine": sum(1 - a @ b / (a.norm() * b.norm()) for a, b in rows) / len(rows),
        "mse": sum(((a - b) ** 2).mean() for a, b in rows) / len(rows),
        "l2": sum((a - b).norm() for a, b in rows) / len(rows),
    }
    for distance, value in expected.items():
        torch.testing.assert_close(vector_distillation(x, t, distance=distance), value)


@pytest.mark.parametrize("distance", ["cosine", "mse", "l2"])
def test_properties(distance):
    x, t = two(6, 4)
    loss = VectorDistillation(distance=distance)
    asserts.assert_gradient(lambda v: loss(v, t), x)
    asserts.assert_permutation_invariant(lambda order: loss(x[order], t[order]), lambda order: order)
    assert loss(t, t).item() == pytest.approx(0.0, abs=1e-12)


def test_other_dimensions_take_a_projection_that_is_trained_and_starts_the_same_each_time():
    x, t = torch.randn(5, 3), torch.randn(5, 7)
    with pytest.raises(InputError, match=r"projection: \[3, 7\]"):
        VectorDistillation()(x, t)
    one, other = VectorDistillation(projection=[3, 7]), VectorDistillation(projection=[3, 7])
    torch.testing.assert_close(one(x, t), other(x, t))
    one(x, t).backward()
    assert one.weight.grad.abs().sum() > 0
    with pytest.raises(InputError, match="starts from 3"):
        one(torch.randn(5, 4), t)
    with pytest.raises(InputError, match="`projection`"):
        VectorDistillation(projection=[3])
