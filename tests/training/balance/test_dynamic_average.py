"""Dynamic weight averaging against its formula, written out."""

import math

import pytest
import torch

from accord.training.balance import DynamicAverage
from accord.training.balance.dynamic_average import dynamic_average


def test_the_formula_by_hand():
    last, before = [0.9, 0.2, 1.0], [1.0, 0.8, 0.5]
    powers = [math.exp(a / b / 2.0) for a, b in zip(last, before)]
    expected = [3 * power / sum(powers) for power in powers]
    found = dynamic_average(torch.tensor(last), torch.tensor(before))
    torch.testing.assert_close(found, torch.tensor(expected))
    assert dynamic_average(torch.zeros(2), torch.zeros(2)).tolist() == pytest.approx([1.0, 1.0])


def test_periods_are_means_and_the_first_two_are_plain():
    balancer = DynamicAverage(period=2, temperature=1.0).start(2)
    losses = torch.tensor([[4.0, 4.0], [2.0, 4.0], [1.0, 4.0], [0.5, 2.0], [9.0, 9.0]]).double()
    weights = []
    for step, row in enumerate(losses, start=1):
        weights.append(balancer.foreseen(step))
        balancer.learn(row)
    for plain in weights[:4]:
        assert plain.tolist() == [1.0, 1.0]
    expected = dynamic_average(losses[2:4].mean(0), losses[:2].mean(0), temperature=1.0)
    torch.testing.assert_close(weights[4], expected)
    torch.testing.assert_close(balancer.foreseen(6), expected)  # within the period


def test_it_survives_a_checkpoint_within_a_period():
    def run(balancer, rows):
        for row in rows:
            balancer.learn(row)
        return balancer

    losses = torch.rand(7, 2, generator=torch.Generator().manual_seed(0)).double()
    whole = run(DynamicAverage(period=2).start(2), losses)
    again = DynamicAverage(period=2).start(2)
    again.restore(run(DynamicAverage(period=2).start(2), losses[:3]).tensors())
    assert torch.equal(run(again, losses[3:]).foreseen(8), whole.foreseen(8))
