"""Dropping by rank: who stays how often, and what it comes to over seeds."""

import pytest
import torch
from merging.merge_checks import assert_close, family, merge

from accord.core.errors import InputError
from accord.merging import Della, Ties


def test_nothing_dropped_is_ties():
    base, experts = family()
    assert_close(merge(Della(density=1.0, epsilon=0.0), experts, base), merge(Ties(density=1.0), experts, base))


def test_larger_changes_stay_more_often_and_are_rescaled_less():
    rows, length = 4000, 5
    change = torch.tensor([3.0, -1.0, 5.0, 2.0, -4.0]).repeat(rows, 1)  # ranks 2, 0, 4, 1, 3
    base, expert = {"w": torch.zeros(rows, length)}, {"w": change}
    found = merge(Della(1.0, density=0.5, epsilon=0.2), [expert], base, seed=1)["w"]
    expected = [0.5, 0.3, 0.7, 0.4, 0.6]
    assert (found != 0).float().mean(dim=0).tolist() == pytest.approx(expected, abs=0.03)
    for column, probability in enumerate(expected):
        kept = found[:, column][found[:, column] != 0]
        torch.testing.assert_close(kept, torch.full_like(kept, change[0, column].item() / probability))


def test_election_follows():
    base = {"w": torch.zeros(200, 50)}
    experts = [{"w": torch.full((200, 50), 3.0)}, {"w": torch.full((200, 50), -1.0)}]
    found = merge(Della(density=0.5, epsilon=0.0), experts, base)["w"]
    shares = [(found == value).float().mean().item() for value in (6.0, -2.0, 0.0)]
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.03)


@pytest.mark.parametrize(("density", "epsilon"), [(0.1, 0.1), (0.9, 0.2), (0.5, -0.1), ([0.5, 0.1], 0.15)])
def test_probabilities_outside_are_refused(density, epsilon):
    with pytest.raises(InputError, match="`epsilon` must be at least 0"):
        Della(density=density, epsilon=epsilon)
