"""Batch-all triplets against a slow oracle, their properties, and what they refuse."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.maths.similarity import similarity
from accord.objectives import BatchAllTriplet
from accord.objectives.contrastive.batch_all_triplet import batch_all_triplet

LABELS = torch.tensor([0, 0, 1, 1, 1, 2])


def vectors():
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def slow_batch_all(distances, labels, margin):
    """All triplets, in plain Python."""
    n = range(len(labels))
    losses = [
        margin + distances[i][p] - distances[i][q]
        for i in n
        for p in n
        for q in n
        if p != i and labels[p] == labels[i] != labels[q]
    ]
    costly = [loss for loss in losses if loss > 0]
    return sum(costly) / max(1, len(costly))


@pytest.mark.parametrize("kind", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_equals_the_slow_oracle(kind, margin):
    x = vectors()
    expected = slow_batch_all((-similarity(x, x, kind=kind)).tolist(), LABELS.tolist(), margin)
    assert batch_all_triplet(x, LABELS, margin=margin, similarity=kind).item() == pytest.approx(expected, abs=1e-10)


def test_properties():
    loss = BatchAllTriplet(margin=0.5)
    asserts.assert_gradient(lambda x: loss(x, LABELS), vectors())
    asserts.assert_permutation_invariant(lambda order: loss(vectors()[order], LABELS[order]), lambda order: order)


def test_classes_that_keep_the_margin_cost_nothing():
    x = torch.eye(2)[[0, 0, 1, 1]].requires_grad_()
    value = batch_all_triplet(x, torch.tensor([0, 0, 1, 1]), margin=0.5)
    value.backward()
    assert value.item() == 0
    assert torch.equal(x.grad, torch.zeros(4, 2))


def test_batches_without_a_triplet_are_errors():
    with pytest.raises(InputError, match="one class"):
        BatchAllTriplet()(torch.eye(3), torch.tensor([1, 1, 1]))
