"""Batch-hard triplets against a slow oracle, their properties, and what they refuse."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.maths.similarity import similarity
from accord.objectives import BatchHardTriplet
from accord.objectives.contrastive.batch_hard_triplet import batch_hard_triplet

LABELS = torch.tensor([0, 0, 1, 1, 1, 2])


def vectors():
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def slow_batch_hard(distances, labels, margin):
    """Eq. 5 of Hermans et al., one anchor at a time."""
    losses = []
    for i, label in enumerate(labels):
        right = [distances[i][p] for p, y in enumerate(labels) if y == label and p != i]
        wrong = [distances[i][n] for n, y in enumerate(labels) if y != label]
        if right and wrong:
            gap = max(right) - min(wrong)
            losses.append(math.log(1 + math.exp(gap)) if margin is None else max(0.0, gap + margin))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("kind", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("margin", [0.1, 2.0, None])
def test_equals_the_slow_oracle(kind, margin):
    x = vectors()
    expected = slow_batch_hard((-similarity(x, x, kind=kind)).tolist(), LABELS.tolist(), margin)
    assert batch_hard_triplet(x, LABELS, margin=margin, similarity=kind).item() == pytest.approx(expected, abs=1e-10)


def test_properties():
    loss = BatchHardTriplet(margin=0.5)
    asserts.assert_gradient(lambda x: loss(x, LABELS), vectors())
    asserts.assert_permutation_invariant(lambda order: loss(vectors()[order], LABELS[order]), lambda order: order)
    asserts.assert_scale_invariant(lambda x: loss(x, LABELS), vectors())


def test_equal_texts_have_a_finite_gradient():
    x = torch.ones(4, 3, requires_grad=True)
    batch_hard_triplet(x, torch.tensor([0, 0, 1, 1]), similarity="euclidean").backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize(("labels", "reason"), [([0, 1, 2], "no triplet"), ([1, 1, 1], "one class")])
def test_batches_without_a_triplet_are_errors(labels, reason):
    with pytest.raises(InputError, match=reason):
        BatchHardTriplet()(torch.eye(3), torch.tensor(labels))
