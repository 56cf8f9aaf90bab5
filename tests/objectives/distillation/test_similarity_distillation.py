"""Distillation of similarities: its formula in loops, what it does not look at, and what it refuses."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import SimilarityDistillation
from accord.objectives.distillation.similarity_distillation import similarity_distillation


def two(*shapes):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def plain(x, t):
    """Every pair of two texts, one after another."""
    terms = []
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j:
                ours, theirs = (v[i] @ v[j] / (v[i].norm() * v[j].norm()) for v in (x, t))
                terms.append((ours - theirs) ** 2)
    return sum(terms) / len(terms)


@pytest.mark.parametrize(("shape", "taught"), [((5, 3), (5, 7)), ((2, 4, 3), (2, 4, 2))])
def test_equals_its_formula(shape, taught):
    x, t = two(shape, taught)
    expected = plain(x.reshape(-1, shape[-1]), t.reshape(-1, taught[-1]))
    torch.testing.assert_close(similarity_distillation(x, t), expected)


def test_properties():
    x, t = two((6, 4), (6, 5))
    loss = SimilarityDistillation()
    asserts.assert_gradient(lambda v: loss(v, t), x)
    asserts.assert_permutation_invariant(lambda order: loss(x[order], t[order]), lambda order: order)
    turned = torch.linalg.qr(two((4, 4))[0])[0]
    torch.testing.assert_close(loss(3 * x @ turned, t), loss(x, t))
    assert loss(x @ turned, 0.1 * x).item() == pytest.approx(0.0, abs=1e-12)


def test_one_text_is_refused():
    with pytest.raises(InputError, match="Raise the batch size"):
        similarity_distillation(torch.ones(1, 3), torch.ones(1, 3))
