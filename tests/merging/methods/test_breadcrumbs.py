"""The two-sided mask, against sorting, and mergekit."""

import numpy as np
import pytest
import torch
from merging.merge_checks import assert_close, assert_golden, family, merge

from accord.core.errors import InputError
from accord.merging import Breadcrumbs, TaskArithmetic, Ties


def slow_mask(change, density, gamma):
    """Drop the largest, keep the next ones."""
    order = np.argsort(-np.abs(change), kind="stable")
    kept = max(int(density * len(change) + 1e-6), 1)
    above = min(int(gamma * len(change) + 1e-6), len(change) - kept)
    return np.where(np.isin(np.arange(len(change)), order[above : above + kept]), change, 0.0)


def test_ten_numbers_by_hand():
    change = torch.tensor([9.0, -8.0, 7.0, -6.0, 5.0, -4.0, 3.0, -2.0, 1.0, 0.5])
    found = merge(Breadcrumbs(1.0, density=0.4, gamma=0.2), [{"w": change}], {"w": torch.zeros(10)})["w"]
    assert found.tolist() == [0, 0, 7, -6, 5, -4, 0, 0, 0, 0]


@pytest.mark.parametrize("scope", ["tensor", "row", "global"])
@pytest.mark.parametrize(("density", "gamma"), [(0.144, 0.006), (0.5, 0.2), (0.9, 0.4)])
def test_one_expert_equals_sorting(scope, density, gamma):
    base, experts = family(1)
    found = merge(Breadcrumbs(1.0, density=density, gamma=gamma, scope=scope), experts, base)
    change = {name: (tensor - base[name]).numpy() for name, tensor in experts[0].items()}
    if scope == "global":
        whole = slow_mask(np.concatenate([c.ravel() for c in change.values()]), density, gamma)
        merged = np.concatenate([(found[name] - base[name]).numpy().ravel() for name in base])
        np.testing.assert_allclose(merged, whole, atol=1e-6)
        return
    for name, values in change.items():
        rows = values.reshape(len(values), -1) if scope == "row" and values.ndim > 1 else values.reshape(1, -1)
        expected = np.stack([slow_mask(row, density, gamma) for row in rows]).reshape(values.shape)
        np.testing.assert_allclose((found[name] - base[name]).numpy(), expected, atol=1e-6)


def test_without_outliers_it_trims_as_ties_does():
    base, experts = family(1)
    trimmed = merge(Ties(density=0.3, scope="tensor"), experts, base)
    assert_close(merge(Breadcrumbs(1.0, density=0.3, gamma=0.0), experts, base), trimmed)


def test_equal_magnitudes_are_no_outliers():
    base, change = {"w": torch.zeros(50)}, {"w": torch.full((50,), 0.5)}
    assert torch.equal(merge(Breadcrumbs(1.0), [change], base)["w"], change["w"])


def test_masked_changes_add_up():
    base, experts = family(2)
    alone = [merge(Breadcrumbs([w], density=0.4), [e], base) for w, e in zip((0.5, -1.0), experts)]
    expected = {name: alone[0][name] + alone[1][name] - base[name] for name in base}
    assert_close(merge(Breadcrumbs([0.5, -1.0], density=0.4), experts, base), expected, atol=1e-6, rtol=1e-5)


def test_everything_kept_is_task_arithmetic():
    base, experts = family(2)
    found = merge(Breadcrumbs(density=1.0, gamma=0.0), experts, base)
    assert_close(found, merge(TaskArithmetic(0.2), experts, base))


def test_equals_mergekit():
    assert_golden(Breadcrumbs, "breadcrumbs")


@pytest.mark.parametrize("arguments", [{"density": 0}, {"gamma": 1}, {"gamma": -1}])
def test_shares_outside_are_refused(arguments):
    with pytest.raises(InputError, match=f"`{next(iter(arguments))}`"):
        Breadcrumbs(**arguments)
