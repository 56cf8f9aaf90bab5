"""The weighted mean, against hand arithmetic and mergekit."""

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
from accord.merging import Linear


def test_weights_by_hand():
    experts = [{"w": torch.tensor([0.0, 8.0])}, {"w": torch.tensor([4.0, 0.0])}]
    assert merge(Linear([1, 3]), experts)["w"].tolist() == [3.0, 2.0]
    assert merge(Linear([1, 3], normalize=False), experts)["w"].tolist() == [12.0, 8.0]


def test_negative_weights_extrapolate():
    experts = [{"w": torch.tensor([1.0])}, {"w": torch.tensor([3.0])}]
    assert merge(Linear([-1, 2]), experts)["w"].tolist() == [5.0]


def test_invariances():
    assert_weights_may_be_scaled(Linear)
    assert_order_of_experts_is_free(Linear())
    assert_identical_experts_give_the_expert(Linear([1, 2, 5]))
    _, experts = family(1)
    assert_close(merge(Linear(), experts), experts[0])


@pytest.mark.parametrize("case", ["linear", "linear unnormalised"])
def test_equals_mergekit(case):
    assert_golden(Linear, case)


def test_weights_that_sum_to_zero_are_refused():
    with pytest.raises(InputError, match=r"sum to zero.*normalize: false"):
        Linear([1, -1])
    assert Linear([1, -1], normalize=False).weights == [1, -1]


@pytest.mark.parametrize("weights", [float("nan"), [1.0, float("inf")], "1"])
def test_weights_are_finite_numbers(weights):
    with pytest.raises(InputError, match="`weights` must be a finite number"):
        Linear(weights)
