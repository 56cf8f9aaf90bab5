"""How far from the base to the mean, against the paper's formula, and mergekit."""

import numpy as np
import pytest
import torch
from merging.merge_checks import (
    assert_close,
    assert_golden,
    assert_identical_experts_give_the_expert,
    assert_order_of_experts_is_free,
    family,
    golden,
    merge,
)

from accord.merging import ModelStock
from accord.merging.methods.model_stock import stock_ratio


def slow_stock(base, experts):
    """The paper's ratio from all pairs, kept in [0, 1]."""
    changes = [np.float64(expert) - np.float64(base) for expert in experts]
    pairs = [(a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b) for a in changes for b in changes if a is not b]
    cosine = np.clip(np.mean(pairs), 0, 1)
    ratio = len(experts) * cosine / (1 + (len(experts) - 1) * cosine)
    return base + ratio * np.mean(changes, axis=0)


def test_equals_the_formula_by_tensor_and_by_row():
    base, experts = family(4)
    shift = {name: 0.1 * torch.ones_like(tensor) for name, tensor in base.items()}
    experts = [{name: tensor + shift[name] for name, tensor in expert.items()} for expert in experts]
    found, rows = merge(ModelStock(), experts, base), merge(ModelStock(filter_wise=True), experts, base)
    for name in ("matrix", "filters", "vector"):
        expected = slow_stock(base[name].numpy(), [expert[name].numpy() for expert in experts])
        np.testing.assert_allclose(found[name].numpy(), expected, atol=1e-6)
    for row in range(7):
        expected = slow_stock(base["matrix"][row].numpy(), [expert["matrix"][row].numpy() for expert in experts])
        np.testing.assert_allclose(rows["matrix"][row].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("cosine", "ratio"), [(0.015, 0.0574), (0.04, 0.1429), (0.3, 0.6316), (1.0, 1.0), (0.0, 0.0)])
def test_ratios_for_four_experts(cosine, ratio):
    assert stock_ratio(torch.tensor(cosine), 4).item() == pytest.approx(ratio, abs=1e-4)


def test_disagreeing_experts_leave_the_base_where_it_is():
    base = {"w": torch.tensor([1.0, 1.0])}
    experts = [{"w": torch.tensor([2.0, 1.1])}, {"w": torch.tensor([0.0, 1.1])}]
    torch.testing.assert_close(merge(ModelStock(), experts, base)["w"], base["w"])


def test_an_expert_that_changed_nothing_agrees_with_nobody():
    base, experts = family(1)
    assert_close(merge(ModelStock(), [base, experts[0]], base), base)


def test_invariances():
    assert_identical_experts_give_the_expert(ModelStock())
    assert_order_of_experts_is_free(ModelStock())


def test_equals_mergekit_where_experts_agree():
    assert_golden(ModelStock, "model_stock")


def test_mergekit_walks_away_where_they_disagree():
    experts, base, parameters, theirs = golden("model_stock rows")
    found = merge(ModelStock(**parameters), experts, base)["w"]
    differs = ((found - theirs).abs() > 1e-5).any(dim=1)
    assert differs.tolist() == [False, True, False, False, False, False]
    torch.testing.assert_close(found[1], base["w"][1])
    torch.testing.assert_close(found[~differs], theirs[~differs])
