"""ListNet against a slow oracle, its properties, and what it refuses."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import ListNet
from accord.objectives.ranking.list_net import list_net

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.6, 0.5], [0.7, -0.2, 0.0]])
GRADES = torch.tensor([[2.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def slow_list_net(scores, grades, ignore, temperature):
    """One list at a time, in plain Python; lists of one document are left out."""
    losses = []
    for row, gold, out in zip(scores, grades, ignore):
        kept = [k for k, o in enumerate(out) if not o]
        if len(kept) > 1:
            want = [math.exp(gold[k]) for k in kept]
            have = [math.exp(row[k] / temperature) for k in kept]
            losses.append(-sum(w / sum(want) * math.log(h / sum(have)) for w, h in zip(want, have)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_equals_the_slow_oracle(temperature):
    found = list_net(SCORES, GRADES, ignore=IGNORE, temperature=temperature)
    expected = slow_list_net(SCORES.tolist(), GRADES.tolist(), IGNORE.tolist(), temperature)
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_properties():
    scores = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    grades = torch.tensor([2.0, 1.0, 1.0, 0.0, 0.0, 0.0]).expand(5, 6)
    loss = ListNet(temperature=0.5)
    asserts.assert_gradient(lambda s: loss(s, grades.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[:, order], grades[:, order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, grades), scores)
    asserts.assert_ignored_places_do_not_count(lambda s, out: loss(s, GRADES, out), SCORES, IGNORE)


def test_it_is_least_where_scores_are_grades():
    grades = torch.tensor([[2.0, 1.0, 0.0]])
    least = list_net(grades, grades)
    assert all(list_net(grades + noise, grades) > least for noise in torch.randn(20, 1, 3))


def test_lists_of_one_document_are_an_error():
    with pytest.raises(InputError, match="nothing to compare"):
        list_net(torch.zeros(2, 1), torch.zeros(2, 1))
