"""Trim, elect and average, against the paper's steps written out, and mergekit."""

import numpy as np
import pytest
import torch
from merging.merge_checks import (
    assert_close,
    assert_golden,
    assert_identical_experts_give_the_expert,
    assert_order_of_experts_is_free,
    assert_weights_may_be_scaled,
    family,
    merge,
)

from accord.core.errors import InputError
from accord.merging import TaskArithmetic, Ties


def slow_trim(vector, density):
    """All but the largest magnitudes set to zero."""
    kept = np.argsort(-np.abs(vector), kind="stable")[: max(int(density * len(vector) + 1e-6), 1)]
    return np.where(np.isin(np.arange(len(vector)), kept), vector, 0.0)


def slow_elect(trimmed, weights):
    """Algorithm 1 of the paper from the second step on, with weights; place by place."""
    merged = []
    for column in (trimmed * np.asarray(weights)[:, None]).T:
        sign = np.sign(column.sum())
        agree = (np.sign(column) == sign) & (column != 0)
        merged.append(column[agree].sum() / np.abs(np.asarray(weights))[agree].sum() if agree.any() else 0.0)
    return np.array(merged)


def flat(state):
    return np.concatenate([tensor.double().numpy().ravel() for tensor in state.values()])


@pytest.mark.parametrize("density", [0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [0.5, 2.0, -1.0]])
def test_equals_the_papers_steps_over_the_whole_vector(density, weights):
    base, experts = family(3)
    changes = np.stack([flat(expert) - flat(base) for expert in experts])
    expected = flat(base) + 0.7 * slow_elect(np.stack([slow_trim(c, density) for c in changes]), weights)
    found = merge(Ties(weights, density=density, scaling=0.7), experts, base)
    np.testing.assert_allclose(flat(found), expected, atol=1e-6)


def test_scopes():
    base, experts = family(2)
    changes = [expert["matrix"].double().numpy() - base["matrix"].double().numpy() for expert in experts]
    by_tensor = slow_elect(np.stack([slow_trim(c.ravel(), 0.4) for c in changes]), [1, 1]).reshape(7, 5)
    rows = np.stack([np.stack([slow_trim(row, 0.4) for row in c]).ravel() for c in changes])
    by_row = slow_elect(rows, [1, 1]).reshape(7, 5)
    for scope, expected in (("tensor", by_tensor), ("row", by_row)):
        found = merge(Ties(density=0.4, scope=scope), experts, base)["matrix"] - base["matrix"]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_ten_numbers_by_hand():
    one = torch.tensor([5.0, -4.0, 0.3, 0.2, 0.1, 0.0, 3.0, -2.0, 1.0, -0.5])
    two = torch.tensor([-1.0, -6.0, 0.1, 0.2, 4.0, 0.0, -3.0, 2.0, 0.5, 0.4])
    expected = torch.tensor([5.0, -5.0, 0, 0, 4.0, 0, 0, 0, 0, 0])  # 3 and -3 cancel; -2 and 2 are not among the top
    base = {"w": torch.zeros(10)}
    assert torch.equal(merge(Ties(density=0.3), [{"w": one}, {"w": two}], base)["w"], expected)


def test_each_expert_may_have_a_density():
    base, experts = family(2)
    found = merge(Ties(density=[0.1, 1.0]), experts, base)
    changes = np.stack([slow_trim(flat(experts[0]) - flat(base), 0.1), flat(experts[1]) - flat(base)])
    np.testing.assert_allclose(flat(found) - flat(base), slow_elect(changes, [1, 1]), atol=1e-6)


def test_equal_magnitudes_all_stay():
    base, change = {"w": torch.zeros(4, 5)}, torch.full((4, 5), 0.25)
    for scope in ("tensor", "row", "global"):
        assert torch.equal(merge(Ties(density=0.1, scope=scope), [{"w": change}], base)["w"], change)


def test_one_expert_untrimmed_is_the_expert():
    base, experts = family(1)
    assert_close(merge(Ties(density=1.0), experts, base), merge(TaskArithmetic(1.0), experts, base))


def test_invariances():
    assert_weights_may_be_scaled(Ties)
    assert_order_of_experts_is_free(Ties())
    assert_identical_experts_give_the_expert(Ties(density=1.0))


@pytest.mark.parametrize("weights", ["[1.0, 1.0, 1.0]", "[0.2, 0.3, 0.6]"])
@pytest.mark.parametrize("case", ["ties", "ties .5"])
def test_equals_mergekit_by_tensor(case, weights):
    assert_golden(Ties, f"{case} {weights}", scope="tensor")


@pytest.mark.parametrize("density", [0, -0.1, 1.5, [0.2, 0.0], float("nan"), True])
def test_densities_outside_are_refused(density):
    with pytest.raises(InputError, match=r"`density` must lie in \(0, 1\]"):
        Ties(density=density)
