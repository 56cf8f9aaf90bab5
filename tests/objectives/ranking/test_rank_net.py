"""RankNet against a slow oracle, its properties, and what it refuses."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import RankNet
from accord.objectives.ranking.rank_net import rank_net

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.6, 0.5], [0.7, -0.2, 0.0]])
GRADES = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def slow_rank_net(scores, grades, ignore, temperature):
    """One pair of documents at a time, in plain Python."""
    losses = [
        math.log(1 + math.exp(-(row[k] - row[m]) / temperature))
        for row, gold, out in zip(scores, grades, ignore)
        for k in range(3)
        for m in range(3)
        if gold[k] > gold[m] and not out[k] and not out[m]
    ]
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_equals_the_slow_oracle(temperature):
    found = rank_net(SCORES, GRADES, ignore=IGNORE, temperature=temperature)
    expected = slow_rank_net(SCORES.tolist(), GRADES.tolist(), IGNORE.tolist(), temperature)
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_properties():
    scores = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    grades = torch.tensor([2.0, 1.0, 1.0, 0.0, 0.0, 0.0]).expand(5, 6)
    loss = RankNet(temperature=0.5)
    asserts.assert_gradient(lambda s: loss(s, grades.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[:, order], grades[:, order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, grades), scores)
    asserts.assert_falls_when_right_scores_rise(lambda s: loss(s, grades), scores, grades)
    asserts.assert_ignored_places_do_not_count(lambda s, out: loss(s, GRADES, out), SCORES, IGNORE)


def test_lists_of_one_grade_are_an_error():
    with pytest.raises(InputError, match="one grade"):
        rank_net(torch.zeros(2, 3), torch.ones(2, 3))
