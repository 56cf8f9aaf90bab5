"""The arc between two models, against Shoemake's formula and mergekit."""

import numpy as np
import pytest
import torch
from merging.merge_checks import assert_close, assert_golden, assert_identical_experts_give_the_expert, family, merge

from accord.core.errors import InputError
from accord.merging import Linear, Slerp


def slow_slerp(a, b, t):
    """The formula, in double precision."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    angle = np.arccos((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.8, 1.3])
def test_equals_the_formula_on_each_tensor(t):
    _, experts = family(2, size=1.0)
    found = merge(Slerp(t), experts)
    for name in ("matrix", "filters", "vector"):
        expected = torch.from_numpy(slow_slerp(experts[0][name], experts[1][name], t)).float()
        torch.testing.assert_close(found[name], expected, atol=1e-6, rtol=1e-5)


def test_rows_have_angles_of_their_own():
    _, experts = family(2, size=1.0)
    found = merge(Slerp(0.3, scope="row"), experts)["matrix"]
    for row in range(7):
        expected = slow_slerp(experts[0]["matrix"][row], experts[1]["matrix"][row], 0.3)
        torch.testing.assert_close(found[row], torch.from_numpy(expected).float(), atol=1e-6, rtol=1e-5)


def test_global_takes_one_angle_for_the_model():
    _, experts = family(2, size=1.0)
    found = merge(Slerp(0.3, scope="global"), experts)
    flat = [np.concatenate([tensor.numpy().ravel() for tensor in expert.values()]) for expert in experts]
    merged = np.concatenate([tensor.numpy().ravel() for tensor in found.values()])
    np.testing.assert_allclose(merged, slow_slerp(*flat, 0.3), atol=1e-6)


def test_ends_are_the_models():
    _, experts = family(2, size=1.0)
    for t in (0.0, 1.0):
        assert_close(merge(Slerp(t), experts), experts[int(t)], atol=1e-6, rtol=1e-6)


def test_length_stays_where_the_mean_shrinks():
    one, two = torch.eye(8)[0], torch.eye(8)[1]
    assert merge(Slerp(), [{"w": one}, {"w": two}])["w"].norm().item() == pytest.approx(1.0)
    assert merge(Linear(), [{"w": one}, {"w": two}])["w"].norm().item() == pytest.approx(0.5**0.5)


def test_close_models_give_nearly_the_mean():
    _, experts = family(2, size=1e-4)
    assert_close(merge(Slerp(), experts), merge(Linear(), experts), atol=1e-6, rtol=1e-6)
    assert_identical_experts_give_the_expert(Slerp(0.3), 2)


def test_opposite_models_are_mixed_along_the_chord():
    one = {"w": torch.tensor([1.0, 2.0])}
    two = {"w": torch.tensor([-2.0, -4.0])}
    torch.testing.assert_close(merge(Slerp(0.25), [one, two])["w"], torch.tensor([0.25, 0.5]))


def test_equals_mergekit_where_models_are_far_apart():
    assert_golden(Slerp, "slerp")


def test_three_models_and_other_scopes_are_refused():
    with pytest.raises(InputError, match=r"merges 2 models\. Got 3"):
        merge(Slerp(), family(3)[1])
    with pytest.raises(InputError, match="`scope` must be one of tensor, row, global"):
        Slerp(scope="layer")
