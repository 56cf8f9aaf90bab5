"""The base plus the sum of changes."""

import pytest
import torch
from merging.merge_checks import (
    assert_close,
    assert_golden,
    assert_order_of_experts_is_free,
    assert_weights_may_be_scaled,
    family,
    merge,
)

from accord.merging import Linear, TaskArithmetic


def test_by_hand():
    base = {"w": torch.tensor([1.0, 1.0])}
    experts = [{"w": torch.tensor([2.0, 1.0])}, {"w": torch.tensor([1.0, 3.0])}]
    assert merge(TaskArithmetic(1.0), experts, base)["w"].tolist() == [2.0, 3.0]
    assert merge(TaskArithmetic([1, -1]), experts, base)["w"].tolist() == [2.0, -1.0]
    assert merge(TaskArithmetic(1.0, scaling=0.5), experts, base)["w"].tolist() == [1.5, 2.0]


def test_the_default_is_the_papers_coefficient():
    base, experts = family(2)
    assert_close(merge(TaskArithmetic(), experts, base), merge(TaskArithmetic([0.3, 0.3]), experts, base))


def test_normalised_it_is_the_mean_of_models():
    base, experts = family(3)
    expected = merge(Linear([1, 2, 3]), experts)
    assert_close(merge(TaskArithmetic([1, 2, 3], normalize=True), experts, base), expected, atol=1e-6, rtol=1e-5)


def test_one_expert_at_weight_one_is_the_expert():
    base, experts = family(1)
    assert_close(merge(TaskArithmetic(1.0), experts, base), experts[0])


def test_invariances():
    assert_weights_may_be_scaled(TaskArithmetic, normalize=True)
    assert_order_of_experts_is_free(TaskArithmetic())


@pytest.mark.parametrize("case", ["task_arithmetic", "task_arithmetic lambda"])
def test_equals_mergekit(case):
    assert_golden(TaskArithmetic, case)
