"""LambdaLoss against a slow oracle, its bound on the nDCG, its properties, and what it refuses."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import LambdaLoss
from accord.objectives.ranking.lambda_loss import WEIGHTS, lambda_loss

SCORES = torch.tensor([[0.2, 0.8, 0.1, 0.5], [0.3, 0.6, 0.5, -0.3], [0.7, -0.2, 0.0, 0.1]])
GRADES = torch.tensor([[0.0, 1.0, 2.0, 2.0], [1.0, 0.0, 0.0, 3.0], [1.0, 0.0, 0.0, 0.0]])
IGNORE = torch.tensor([[False, False, False, True], [False] * 4, [False, True, True, True]])


def slow_lambda_loss(scores, grades, ignore, weights, top, temperature, mu):
    """The formulas of the docstring, one pair of documents at a time."""
    losses = []
    for row, gold, out in zip(scores, grades, ignore):
        kept = [k for k, o in enumerate(out) if not o]
        rank = {k: 1 + sum(row[j] > row[k] for j in kept) for k in kept}

        def discount(r):
            return math.log2(1 + r)

        best = sorted((gold[k] for k in kept), reverse=True)[:top]
        most = sum((2**g - 1) / discount(r) for r, g in enumerate(best, 1))
        gain = {k: (2 ** gold[k] - 1) / most for k in kept}
        for k in kept:
            for m in kept:
                first = weights == "ndcg_loss1"
                if k == m or (not first and gold[k] <= gold[m]) or (top and min(rank[k], rank[m]) > top):
                    continue
                apart = abs(rank[k] - rank[m])
                tight = 1 / discount(apart) - 1 / discount(apart + 1)
                swap = abs(1 / discount(rank[k]) - 1 / discount(rank[m]))
                spread = abs(gain[k] - gain[m])
                weight = {
                    "ndcg_loss1": gain[k] / discount(rank[k]),
                    "ndcg_loss2": tight * spread,
                    "lambda_rank": swap * spread,
                    "ndcg_loss2++": (swap + mu * tight) * spread,
                }[weights]
                losses.append(weight * math.log2(1 + math.exp(-(row[k] - row[m]) / temperature)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("top", [None, 1, 2])
def test_equals_the_slow_oracle(weights, top):
    found = lambda_loss(SCORES, GRADES, ignore=IGNORE, weights=weights, top=top, temperature=0.3, mu=4.0)
    expected = slow_lambda_loss(SCORES.tolist(), GRADES.tolist(), IGNORE.tolist(), weights, top, 0.3, 4.0)
    assert found.item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_properties(weights):
    scores = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    grades = torch.tensor([2.0, 1.0, 1.0, 0.0, 0.0, 0.0]).expand(5, 6)
    loss = LambdaLoss(weights=weights, temperature=0.5)
    asserts.assert_gradient(lambda s: loss(s, grades.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[:, order], grades[:, order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, grades), scores)
    asserts.assert_ignored_places_do_not_count(lambda s, out: loss(s, GRADES, out), SCORES, IGNORE)


def test_ndcg_loss2_bounds_what_the_list_lacks_in_ndcg():
    """The bound of the paper: the sum over pairs is at least the best DCG minus the list's, over the best one."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        scores, grades = torch.randn(1, 5, generator=generator), torch.tensor([[2.0, 1.0, 0.0, 0.0, 0.0]])
        pairs = (grades[0][:, None] > grades[0][None, :]).sum()
        order = scores[0].argsort(descending=True)
        places = torch.log2(torch.arange(2.0, 7.0))
        dcg, most = ((2 ** grades[0][o] - 1).div(places).sum() for o in (order, torch.arange(5)))
        assert lambda_loss(scores, grades, weights="ndcg_loss2") * pairs >= 1 - dcg / most - 1e-5


def test_grades_below_zero_and_lists_of_one_grade_are_errors():
    with pytest.raises(InputError, match="at least 0"):
        lambda_loss(torch.zeros(1, 2), torch.tensor([[1.0, -2.5]]))
    with pytest.raises(InputError, match="one grade"):
        lambda_loss(torch.zeros(2, 3), torch.ones(2, 3))
    with pytest.raises(InputError, match="`weights`"):
        LambdaLoss(weights="ndcg")
