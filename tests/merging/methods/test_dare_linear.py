"""Drop and rescale: what stays, how much of it, and what it comes to over seeds."""

import numpy as np
import pytest
import torch
from merging.merge_checks import assert_close, family, merge

from accord.core.errors import InputError
from accord.merging import DareLinear, TaskArithmetic

WIDE = {"w": (60, 50)}


def test_nothing_dropped_is_task_arithmetic():
    base, experts = family()
    assert_close(merge(DareLinear(density=1.0), experts, base), merge(TaskArithmetic(0.3), experts, base))


def test_survivors_are_rescaled_and_the_rest_is_the_base():
    base, experts = family(1, shapes=WIDE)
    change = merge(DareLinear(1.0, density=0.25), experts, base, seed=3)["w"] - base["w"]
    kept = change != 0
    assert kept.float().mean().item() == pytest.approx(0.25, abs=0.03)
    torch.testing.assert_close(change[kept], 4 * (experts[0]["w"] - base["w"])[kept], atol=1e-5, rtol=1e-4)
    plain = merge(DareLinear(1.0, density=0.25, rescale=False), experts, base, seed=3)["w"] - base["w"]
    torch.testing.assert_close(plain[kept], (experts[0]["w"] - base["w"])[kept], atol=1e-6, rtol=1e-4)


def test_draws_depend_on_the_seed_the_expert_and_the_tensor():
    base, _ = family(1, shapes={"a": (40, 30), "b": (40, 30)})
    ones = {name: tensor + 1 for name, tensor in base.items()}

    def kept(seed=0, number=0, name="a"):
        models = [base, base]
        models[number] = ones
        return merge(DareLinear(1.0), models, base, seed=seed)[name] != base[name]

    first = kept()
    assert torch.equal(first, kept())
    for other in (kept(seed=1), kept(number=1), kept(name="b")):
        assert (first == other).float().mean().item() == pytest.approx(0.5, abs=0.06)


def test_the_mean_over_seeds_is_task_arithmetic():
    base, experts = family(3, shapes={"matrix": (7, 5)})
    expected = merge(TaskArithmetic([0.2, 0.5, -0.1]), experts, base)
    draws = [merge(DareLinear([0.2, 0.5, -0.1], density=0.4), experts, base, seed=seed) for seed in range(225)]
    for name, tensor in expected.items():
        found = torch.stack([draw[name] for draw in draws])
        error = (found.mean(dim=0) - tensor) / (found.std(dim=0) / 15).clamp(min=1e-6)
        assert error.abs().max().item() < 4.5
        assert error.abs().mean().item() < 1.1


def test_normalised_weights():
    base, experts = family(2)
    small, large = (merge(DareLinear([f, 3 * f], normalize=True), experts, base) for f in (1.0, 5.0))
    assert_close(small, large)
    assert np.isfinite(small["vector"].numpy()).all()


@pytest.mark.parametrize("density", [0, 1.2, [0.5, 0]])
def test_densities_outside_are_refused(density):
    with pytest.raises(InputError, match=r"`density` must lie in \(0, 1\]"):
        DareLinear(density=density)
