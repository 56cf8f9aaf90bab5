"""ADR-MSE against a slow oracle, its properties, and what it refuses."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import ADRMSE
from accord.objectives.ranking.adr_mse import adr_mse

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.6, 0.5], [0.7, -0.2, 0.0]])
GRADES = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def slow_adr_mse(scores, grades, ignore, temperature):
    """One document at a time, in plain Python."""
    losses = []
    for row, gold, out in zip(scores, grades, ignore):
        kept = [k for k, o in enumerate(out) if not o]
        for k in kept:
            rank = sum(gold[j] > gold[k] for j in kept) + (sum(gold[j] == gold[k] for j in kept) + 1) / 2
            soft = 1 + sum(1 / (1 + math.exp(-(row[j] - row[k]) / temperature)) for j in kept if j != k)
            losses.append((rank - soft) ** 2 / math.log2(1 + rank))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_equals_the_slow_oracle(temperature):
    found = adr_mse(SCORES, GRADES, ignore=IGNORE, temperature=temperature)
    expected = slow_adr_mse(SCORES.tolist(), GRADES.tolist(), IGNORE.tolist(), temperature)
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_properties():
    scores = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    grades = torch.tensor([2.0, 1.0, 1.0, 0.0, 0.0, 0.0]).expand(5, 6)
    loss = ADRMSE(temperature=0.5)
    asserts.assert_gradient(lambda s: loss(s, grades.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[:, order], grades[:, order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, grades), scores)
    asserts.assert_ignored_places_do_not_count(lambda s, out: loss(s, GRADES, out), SCORES, IGNORE)


def test_the_right_order_by_far_costs_nothing():
    assert adr_mse(torch.tensor([[30.0, 0.0, -30.0]]), torch.tensor([[2.0, 1.0, 0.0]])).item() < 1e-6


def test_lists_of_one_grade_are_an_error():
    with pytest.raises(InputError, match="one grade"):
        adr_mse(torch.zeros(2, 3), torch.ones(2, 3))
