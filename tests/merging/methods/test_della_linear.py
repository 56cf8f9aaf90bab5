"""Dropping by rank: who stays how often, and what it comes to over seeds."""

import pytest
import torch
from merging.merge_checks import assert_close, family, merge

from accord.core.errors import InputError
from accord.merging import DellaLinear, TaskArithmetic


def test_nothing_dropped_is_task_arithmetic():
    base, experts = family()
    assert_close(merge(DellaLinear(density=1.0, epsilon=0.0), experts, base), merge(TaskArithmetic(0.3), experts, base))


def test_larger_changes_stay_more_often_and_are_rescaled_less():
    rows, length = 4000, 5
    change = torch.tensor([3.0, -1.0, 5.0, 2.0, -4.0]).repeat(rows, 1)  # ranks 2, 0, 4, 1, 3
    base, expert = {"w": torch.zeros(rows, length)}, {"w": change}
    found = merge(DellaLinear(1.0, density=0.5, epsilon=0.2), [expert], base, seed=1)["w"]
    expected = [0.5, 0.3, 0.7, 0.4, 0.6]
    assert (found != 0).float().mean(dim=0).tolist() == pytest.approx(expected, abs=0.03)
    for column, probability in enumerate(expected):
        kept = found[:, column][found[:, column] != 0]
        torch.testing.assert_close(kept, torch.full_like(kept, change[0, column].item() / probability))


def test_the_mean_over_seeds_is_task_arithmetic():
    base, experts = family(2, shapes={"matrix": (7, 5)})
    expected = merge(TaskArithmetic(0.5), experts, base)
    draws = [merge(DellaLinear(0.5, density=0.5, epsilon=0.3), experts, base, seed=seed) for seed in range(225)]
    for name, tensor in expected.items():
        found = torch.stack([draw[name] for draw in draws])
        error = (found.mean(dim=0) - tensor) / (found.std(dim=0) / 15).clamp(min=1e-6)
        assert error.abs().max().item() < 4.5
        assert error.abs().mean().item() < 1.15


@pytest.mark.parametrize(("density", "epsilon"), [(0.1, 0.1), (0.9, 0.2), (0.5, -0.1), ([0.5, 0.1], 0.15)])
def test_probabilities_outside_are_refused(density, epsilon):
    with pytest.raises(InputError, match="`epsilon` must be at least 0"):
        DellaLinear(density=density, epsilon=epsilon)
