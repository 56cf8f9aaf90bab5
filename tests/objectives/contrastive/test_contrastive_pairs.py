"""The contrastive loss of pairs against a slow oracle, its properties, and what it refuses."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import ContrastivePairs
from accord.objectives.contrastive.contrastive_pairs import contrastive_pairs

LABELS = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.3, 1.0])


def slow_contrastive(scores, labels, margin, best):
    """One pair at a time, in plain Python."""
    terms = [(y * (best - s) ** 2 + (1 - y) * max(0.0, margin - (best - s)) ** 2) / 2 for s, y in zip(scores, labels)]
    return sum(terms) / len(terms)


@pytest.mark.parametrize(("margin", "best"), [(0.5, 1.0), (1.0, 0.0)])
def test_equals_the_slow_oracle(margin, best):
    scores = torch.rand(6, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1
    found = contrastive_pairs(scores, LABELS.double(), margin=margin, best=best)
    assert found.item() == pytest.approx(slow_contrastive(scores.tolist(), LABELS.tolist(), margin, best), abs=1e-7)


def test_only_hard_pairs_count():
    """The positive at 0.9 is nearer than every negative, the negative at -0.8 farther than every positive."""
    scores, labels = torch.tensor([0.9, 0.2, 0.6, -0.8]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    hard = contrastive_pairs(scores, labels, hard=True)
    assert hard.item() == pytest.approx((0.8**2 + 0.1**2) / 2 / 2, abs=1e-6)
    easy = contrastive_pairs(torch.tensor([0.9, 0.1]), torch.tensor([1.0, 0.0]), hard=True)
    assert easy.item() == 0


def test_properties():
    loss = ContrastivePairs()
    scores = torch.rand(6, generator=torch.Generator().manual_seed(0))
    asserts.assert_gradient(lambda s: loss(s, LABELS.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[order], LABELS[order]), lambda order: order)
    asserts.assert_falls_when_right_scores_rise(lambda s: loss(s, LABELS), scores, LABELS == 1)


def test_labels_outside_zero_and_one_are_an_error():
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        ContrastivePairs()(torch.zeros(2), torch.tensor([5.0, 0.0]))
