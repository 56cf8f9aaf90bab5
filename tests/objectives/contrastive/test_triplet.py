"""The triplet loss of lists against a slow oracle, its properties, and what it refuses."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import Triplet
from accord.objectives.contrastive.triplet import triplet

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.6, 0.5], [0.7, -0.2, 0.0]])
IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def slow_triplet(scores, ignore, margin, hardest):
    """One negative at a time, in plain Python."""
    losses = []
    for row, out in zip(scores, ignore):
        found = [(s - row[0]) for s, o in zip(row[1:], out[1:]) if not o]
        found = [max(found)] if hardest and found else found
        losses += [math.log(1 + math.exp(f)) if margin is None else max(0.0, f + margin) for f in found]
    return sum(losses) / len(losses)


@pytest.mark.parametrize("margin", [0.0, 0.2, 1.5, None])
@pytest.mark.parametrize("hardest", [False, True])
def test_equals_the_slow_oracle(margin, hardest):
    found = triplet(SCORES, ignore=IGNORE, margin=margin, hardest=hardest)
    assert found.item() == pytest.approx(slow_triplet(SCORES.tolist(), IGNORE.tolist(), margin, hardest), abs=1e-6)


@pytest.mark.parametrize("loss", [Triplet(margin=0.35), Triplet(margin=None, hardest=True)])
def test_properties(loss):
    scores = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    asserts.assert_gradient(loss, scores)
    asserts.assert_permutation_invariant(loss, lambda order: scores[order])
    asserts.assert_shift_invariant(loss, scores)
    asserts.assert_falls_when_right_scores_rise(loss, scores, torch.eye(4)[:1].expand(6, 4))
    asserts.assert_ignored_places_do_not_count(loss, SCORES, IGNORE)


def test_lists_without_a_negative_are_an_error_and_so_is_a_negative_margin():
    with pytest.raises(InputError, match="nothing to compare"):
        triplet(torch.zeros(3, 1))
    with pytest.raises(InputError, match="`margin`"):
        Triplet(margin=-1.0)
