"""Select, calculate, erase, against its steps written out, and mergekit."""

import numpy as np
import pytest
import torch
from merging.merge_checks import (
    assert_close,
    assert_golden,
    assert_identical_experts_give_the_expert,
    assert_order_of_experts_is_free,
    family,
    merge,
)

from accord.core.errors import InputError
from accord.merging import SCE


def slow_sce(base, experts, share):
    """The three steps for one tensor, in double precision."""
    changes = np.stack([np.float64(expert - base).ravel() for expert in experts])
    kept = max(int(share * changes.shape[1] + 1e-6), 1)
    places = np.argsort(-changes.var(axis=0), kind="stable")[:kept]
    selected = np.where(np.isin(np.arange(changes.shape[1]), places), changes, 0.0)
    weights = (selected**2).mean(axis=1)
    weights /= weights.sum()
    agree = np.sign(selected) == np.sign(selected.sum(axis=0))
    total = (weights[:, None] * selected * agree).sum(axis=0)
    share_of_those = (weights[:, None] * agree).sum(axis=0)
    return base + (total / np.where(share_of_those > 0, share_of_those, 1.0)).reshape(base.shape)


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("size", [0.1, 1e-3])
def test_equals_the_steps(share, size):
    base, experts = family(4, size=size)
    found = merge(SCE(select_topk=share), experts, base)
    for name in ("matrix", "other", "filters", "vector"):
        expected = slow_sce(base[name].numpy(), [expert[name].numpy() for expert in experts], share)
        np.testing.assert_allclose(found[name].numpy(), expected, atol=size * 1e-3)


def test_the_guard_is_relative():
    """Weights follow the energy however small the changes are; only zeros weigh equally."""
    base = {"w": torch.zeros(6)}
    for size in (1.0, 1e-6, 1e-12):
        experts = [{"w": torch.full((6,), 3 * size)}, {"w": torch.full((6,), size)}]
        found = merge(SCE(select_topk=1.0), experts, base)["w"]
        assert (found / size).tolist() == pytest.approx([0.9 * 3 + 0.1] * 6)


def test_invariances():
    assert_identical_experts_give_the_expert(SCE())
    assert_order_of_experts_is_free(SCE(select_topk=0.5))


def test_places_where_experts_agree_are_left():
    base = {"w": torch.zeros(4)}
    experts = [{"w": torch.tensor([1.0, 1.0, 2.0, 1.0])}, {"w": torch.tensor([1.0, 1.0, -1.0, 1.0])}]
    assert_close(merge(SCE(select_topk=0.25), experts, base), {"w": torch.tensor([0.0, 0.0, 2.0, 0.0])})


@pytest.mark.parametrize(("case", "share"), [("sce", 1.0), ("sce, a fifth", 0.2)])
def test_equals_mergekit_where_changes_are_large(case, share):
    assert_golden(SCE, case, select_topk=share)


@pytest.mark.parametrize("share", [0, 1.1, True])
def test_shares_outside_are_refused(share):
    with pytest.raises(InputError, match="`select_topk`"):
        SCE(select_topk=share)
