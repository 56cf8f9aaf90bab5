"""Semi-hard triplets against a slow oracle, their properties, and what they refuse."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.maths.similarity import similarity
from accord.objectives import SemiHardTriplet
from accord.objectives.contrastive.semi_hard_triplet import semi_hard_triplet

LABELS = torch.tensor([0, 0, 1, 1, 1, 2, 2, 3])


def vectors():
    return torch.randn(8, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def slow_semi_hard(distances, labels, margin):
    """One pair of a class at a time: the nearest negative beyond the positive, or the farthest there is."""
    losses = []
    for i, label in enumerate(labels):
        wrong = [distances[i][n] for n, y in enumerate(labels) if y != label]
        for p, other in enumerate(labels):
            if other == label and p != i:
                beyond = [d for d in wrong if d > distances[i][p]]
                losses.append(max(0.0, margin + distances[i][p] - (min(beyond) if beyond else max(wrong))))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("kind", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("margin", [0.1, 2.0])
def test_equals_the_slow_oracle(kind, margin):
    x = vectors()
    expected = slow_semi_hard((-similarity(x, x, kind=kind)).tolist(), LABELS.tolist(), margin)
    assert semi_hard_triplet(x, LABELS, margin=margin, similarity=kind).item() == pytest.approx(expected, abs=1e-10)


def test_properties():
    loss = SemiHardTriplet(margin=0.5)
    asserts.assert_gradient(lambda x: loss(x, LABELS), vectors())
    order = torch.randperm(8, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(loss(vectors()[order], LABELS[order]), loss(vectors(), LABELS))
    asserts.assert_scale_invariant(lambda x: loss(x, LABELS), vectors())


def test_batches_without_a_triplet_are_errors():
    with pytest.raises(InputError, match="no triplet"):
        SemiHardTriplet()(torch.eye(3), torch.tensor([0, 1, 2]))
