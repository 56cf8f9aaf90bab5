"""The mean on the sphere, against plain iterations on whole vectors, and mergekit."""

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
from accord.merging import Karcher, Slerp


def slow_karcher(vectors, weights, steps=500):
    """The mean direction by steps along logarithms, on the vectors themselves."""
    vectors, weights = np.asarray(vectors, dtype=np.float64), np.asarray(weights) / np.sum(weights)
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / lengths[:, None]
    mean = weights @ units
    mean /= np.linalg.norm(mean)
    for _ in range(steps):
        angles = np.arccos(np.clip(units @ mean, -1, 1))
        logarithms = (units - np.cos(angles)[:, None] * mean) * (angles / np.sin(angles))[:, None]
        step = weights @ logarithms
        size = np.linalg.norm(step)
        if size < 1e-15:
            break
        mean = np.cos(size) * mean + np.sin(size) * step / size
    return mean * (weights @ lengths)


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 0.5]])
def test_equals_plain_iterations(weights):
    draw = np.random.default_rng(1)
    vectors = (draw.normal(size=(4, 30)) + 0.3).astype(np.float32)
    found = merge(Karcher(weights, max_iter=200, tol=1e-9), [{"w": torch.from_numpy(v)} for v in vectors])["w"]
    np.testing.assert_allclose(found.numpy(), slow_karcher(vectors, weights), atol=1e-6)


def test_the_mean_has_zero_mean_logarithm():
    draw = torch.Generator().manual_seed(2)
    vectors = torch.nn.functional.normalize(torch.randn(5, 20, generator=draw) + 0.5)
    mean = merge(Karcher(max_iter=100, tol=1e-9), [{"w": v} for v in vectors])["w"].double()
    angles = (vectors.double() @ mean).clamp(-1, 1).acos()
    logarithms = (vectors.double() - angles.cos()[:, None] * mean) * (angles / angles.sin())[:, None]
    assert logarithms.mean(dim=0).norm() < 1e-6


def test_two_models_give_the_arc():
    _, experts = family(2, size=1.0)
    unit = [{n: t / t.norm() for n, t in expert.items() if n != "scalar"} for expert in experts]
    found = merge(Karcher([3, 1], max_iter=100, tol=1e-9), unit)
    assert_close(found, merge(Slerp(0.25), unit), atol=1e-6, rtol=1e-5)


def test_invariances():
    assert_weights_may_be_scaled(Karcher)
    assert_order_of_experts_is_free(Karcher())
    assert_identical_experts_give_the_expert(Karcher())
    _, experts = family(1)
    assert_close(merge(Karcher(), experts), experts[0], atol=1e-6, rtol=1e-6)


def test_scopes_differ_only_in_what_a_vector_is():
    experts = [{"w": torch.tensor([[1.0, 0.0], [1.0, 0.0]])}, {"w": torch.tensor([[1.0, 0.0], [0.0, 1.0]])}]
    assert merge(Karcher(scope="row"), experts)["w"][0].tolist() == [1.0, 0.0]
    torch.testing.assert_close(merge(Karcher(scope="row"), experts)["w"][1], torch.tensor([0.5**0.5] * 2))
    assert merge(Karcher(scope="tensor"), experts)["w"].norm().item() == pytest.approx(2**0.5)


def test_directions_that_cancel_give_the_mean():
    experts = [{"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([-3.0, 0.0])}]
    torch.testing.assert_close(merge(Karcher(), experts)["w"], torch.tensor([-1.0, 0.0]))


@pytest.mark.parametrize("case", ["karcher", "karcher, 100 steps"])
def test_equals_mergekit(case):
    assert_golden(Karcher, case)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"weights": [1, -0.5]}, "at least 0"), ({"max_iter": 0}, "`max_iter`"), ({"tol": 0}, "`tol`")],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        Karcher(**arguments)
