"""CoSENT against a slow oracle, its properties, and what it refuses."""

import math

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import CoSENT
from accord.objectives.regression.cosent import cosent


def slow_cosent(scores, labels, temperature):
    """Two pairs at a time, in plain Python."""
    pairs = [(i, j) for i in range(len(labels)) for j in range(len(labels)) if labels[i] > labels[j]]
    return math.log(1 + sum(math.exp((scores[j] - scores[i]) / temperature) for i, j in pairs))


@pytest.mark.parametrize("labels", [[0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 0.0, 5.0], [0.2, 0.9, 0.9, 0.2]])
@pytest.mark.parametrize("temperature", [0.05, 1.3])
def test_equals_the_slow_oracle(labels, temperature):
    scores = torch.rand(4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = cosent(scores, torch.tensor(labels, dtype=torch.float64), temperature=temperature)
    assert found.item() == pytest.approx(slow_cosent(scores.tolist(), labels, temperature), abs=1e-9)


def test_properties():
    scores = torch.rand(6, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0.0, 1.0, 1.0, 2.0, 4.0, 3.0])
    loss = CoSENT(temperature=0.5)
    asserts.assert_gradient(lambda s: loss(s, labels.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[order], labels[order]), lambda order: order)
    asserts.assert_shift_invariant(lambda s: loss(s, labels), scores)
    asserts.assert_falls_when_right_scores_rise(lambda s: loss(s, labels), scores, labels)


def test_only_the_order_of_the_gold_scores_counts():
    scores, labels = torch.rand(5), torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
    torch.testing.assert_close(cosent(scores, labels.exp()), cosent(scores, labels))


def test_right_order_by_a_margin_costs_nothing_and_huge_scores_do_not_overflow():
    assert cosent(torch.tensor([0.9, 0.0, -0.9]), torch.tensor([3.0, 2.0, 1.0])).item() < 1e-6
    assert torch.isfinite(cosent(torch.tensor([-1e4, 1e4]), torch.tensor([1.0, 0.0])))


def test_equal_gold_scores_are_an_error():
    with pytest.raises(InputError, match="no order to learn"):
        CoSENT()(torch.rand(3), torch.ones(3))
