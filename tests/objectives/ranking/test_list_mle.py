"""ListMLE against the likelihood of drawing without return, its properties, and what it refuses."""

import itertools
import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import ListMLE
from accord.objectives.ranking.list_mle import list_mle

IGNORE = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])


def chance(scores, order):
    """Of drawing `order`, each time in proportion to the exponent of what is left."""
    left, found = list(order), 1.0
    for k in order:
        found *= math.exp(scores[k]) / sum(math.exp(scores[j]) for j in left)
        left.remove(k)
    return found


def test_it_is_a_likelihood_over_all_orders():
    scores = [0.3, -1.0, 0.8, 0.1]
    total = 0.0
    for order in itertools.permutations(range(4)):
        grades = torch.zeros(1, 4)
        grades[0, list(order)] = torch.tensor([3.0, 2.0, 1.0, 0.0])
        found = list_mle(torch.tensor([scores]), grades).item()
        assert found == pytest.approx(-math.log(chance(scores, order)), abs=1e-5)
        total += math.exp(-found)
    assert total == pytest.approx(1.0, abs=1e-5)


def test_the_order_of_ties_is_of_no_account():
    scores, grades = torch.randn(3, 5), torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]]).expand(3, 5)
    order = torch.tensor([1, 0, 4, 2, 3])
    torch.testing.assert_close(list_mle(scores[:, order], grades), list_mle(scores, grades))


@pytest.mark.parametrize("position_aware", [False, True])
def test_properties(position_aware):
    scores = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    grades = torch.tensor([2.0, 1.0, 1.0, 0.0, -1.0, 0.0]).expand(5, 6)
    loss = ListMLE(temperature=0.5, position_aware=position_aware)
    asserts.assert_gradient(lambda s: loss(s, grades.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[:, order], grades[:, order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, grades), scores)
    short = torch.tensor([[2.0, 1.0, 0.0]]).expand(3, 3)
    asserts.assert_ignored_places_do_not_count(lambda s, out: loss(s, short, out), torch.randn(3, 3), IGNORE)


def test_position_aware_weighs_the_top_most():
    """Of two documents swapped at the top and at the bottom, the top costs more."""
    grades = torch.tensor([[3.0, 2.0, 1.0, 0.0]])
    top, bottom = torch.tensor([[2.0, 3.0, 1.0, 0.0]]), torch.tensor([[3.0, 2.0, 0.0, 1.0]])
    assert list_mle(top, grades, position_aware=True) > list_mle(bottom, grades, position_aware=True)


def test_lists_of_one_grade_are_an_error():
    with pytest.raises(InputError, match="one grade"):
        list_mle(torch.zeros(2, 3), torch.ones(2, 3))
