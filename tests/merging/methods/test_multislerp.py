"""The mean direction at the mean length, against its formula and mergekit."""

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
from accord.merging import MultiSlerp


def test_equals_the_formula():
    base, experts = family(3, size=1.0)
    shares = torch.tensor([1.0, 2.0, 3.0]) / 6
    changes = torch.stack([expert["matrix"] - base["matrix"] for expert in experts])
    norms = changes.flatten(1).norm(dim=1)
    direction = torch.tensordot(shares / norms, changes, dims=1)
    expected = base["matrix"] + direction / direction.norm() * (shares * norms).sum()
    torch.testing.assert_close(merge(MultiSlerp([1, 2, 3]), experts, base)["matrix"], expected)


def test_long_models_have_no_more_say_in_the_direction():
    experts = [{"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([0.0, 100.0])}]
    found = merge(MultiSlerp(), experts)["w"]
    assert found[0].item() == pytest.approx(found[1].item())
    assert found.norm().item() == pytest.approx(50.5)


def test_invariances():
    assert_weights_may_be_scaled(MultiSlerp)
    assert_order_of_experts_is_free(MultiSlerp())
    assert_identical_experts_give_the_expert(MultiSlerp())
    base, experts = family(1)
    assert_close(merge(MultiSlerp(), experts, base), experts[0], atol=1e-6, rtol=1e-6)


def test_weights_as_they_are():
    experts = [{"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([0.0, 1.0])}]
    found = merge(MultiSlerp(normalize_weights=False), experts)["w"]
    torch.testing.assert_close(found, torch.full((2,), 2**0.5))


def test_directions_that_cancel_give_the_weighted_sum():
    experts = [{"w": torch.tensor([1.0])}, {"w": torch.tensor([-3.0])}]
    assert merge(MultiSlerp(), experts)["w"].tolist() == [-1.0]


@pytest.mark.parametrize("case", ["multislerp", "multislerp base"])
def test_equals_mergekit(case):
    assert_golden(MultiSlerp, case)


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="`eps`"):
        MultiSlerp(eps=0)
    with pytest.raises(InputError, match="sum to zero"):
        MultiSlerp([1, -1])
