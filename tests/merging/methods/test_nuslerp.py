"""Spherical interpolation of models or of their changes, whole or by rows and columns."""

import numpy as np
import pytest
import torch
from merging.merge_checks import (
    GOLDEN,
    assert_close,
    assert_golden,
    assert_identical_experts_give_the_expert,
    family,
    golden,
    merge,
)

from accord.core.errors import InputError
from accord.merging import NuSlerp, Slerp


def test_without_a_base_it_is_slerp():
    _, experts = family(2, size=1.0)
    assert_close(merge(NuSlerp([1, 3]), experts), merge(Slerp(0.75), experts))


def test_with_a_base_it_turns_the_changes():
    base, experts = family(2, size=1.0)
    changes = [{name: tensor - base[name] for name, tensor in expert.items()} for expert in experts]
    expected = {name: tensor + base[name] for name, tensor in merge(Slerp(0.5), changes).items()}
    assert_close(merge(NuSlerp(), experts, base), expected)


def test_rows_and_columns():
    base, experts = family(2, size=1.0)
    rows = merge(NuSlerp([1, 2], nuslerp_flatten=False, nuslerp_row_wise=True), experts, base)
    columns = merge(NuSlerp([1, 2], nuslerp_flatten=False), experts, base)
    a, b = (np.float64((expert["matrix"] - base["matrix"]).numpy()) for expert in experts)
    for found, axis in ((rows, 1), (columns, 0)):
        length = np.linalg.norm(a, axis=axis, keepdims=True) * np.linalg.norm(b, axis=axis, keepdims=True)
        angle = np.arccos((a * b).sum(axis=axis, keepdims=True) / length)
        expected = (np.sin(angle / 3) * a + np.sin(angle * 2 / 3) * b) / np.sin(angle) + base["matrix"].numpy()
        np.testing.assert_allclose(found["matrix"].numpy(), expected, atol=1e-5)
    flat = merge(NuSlerp([1, 2]), experts, base)
    torch.testing.assert_close(rows["vector"], flat["vector"])
    torch.testing.assert_close(columns["vector"], flat["vector"])


def test_invariances():
    base, experts = family(2)
    small, large = (merge(NuSlerp([f, 3 * f]), experts, base) for f in (1.0, 9.0))
    assert_close(small, large)
    assert_identical_experts_give_the_expert(NuSlerp(), 2)


@pytest.mark.parametrize("case", ["nuslerp", "nuslerp base"])
def test_equals_mergekit(case):
    assert_golden(NuSlerp, case)


def test_mergekit_swaps_rows_and_columns():
    for case, other in (("nuslerp rows", "nuslerp columns"), ("nuslerp columns", "nuslerp rows")):
        experts, base, parameters, _ = golden(case)
        torch.testing.assert_close(merge(NuSlerp(**parameters), experts, base)["w"], golden(other)[3])
    assert GOLDEN["origin"].startswith("mergekit 0.1.5")


def test_weights_that_sum_to_zero_are_refused():
    with pytest.raises(InputError, match="sum to zero"):
        NuSlerp([1, -1])
