"""Drop and rescale: what stays, how much of it, and what it comes to over seeds."""

import numpy as np
import pytest
import torch
from merging.merge_checks import assert_close, assert_golden, assert_identical_experts_give_the_expert, family, merge

from accord.core.errors import InputError
from accord.merging import DareTies, Ties

WIDE = {"w": (60, 50)}


def test_nothing_dropped_is_ties():
    base, experts = family()
    assert_close(merge(DareTies(density=1.0), experts, base), merge(Ties(density=1.0), experts, base))


def test_survivors_are_rescaled_and_the_rest_is_the_base():
    base, experts = family(1, shapes=WIDE)
    change = merge(DareTies(1.0, density=0.25), experts, base, seed=3)["w"] - base["w"]
    kept = change != 0
    assert kept.float().mean().item() == pytest.approx(0.25, abs=0.03)
    torch.testing.assert_close(change[kept], 4 * (experts[0]["w"] - base["w"])[kept], atol=1e-5, rtol=1e-4)
    plain = merge(DareTies(1.0, density=0.25, rescale=False), experts, base, seed=3)["w"] - base["w"]
    torch.testing.assert_close(plain[kept], (experts[0]["w"] - base["w"])[kept], atol=1e-6, rtol=1e-4)


def test_draws_depend_on_the_seed_the_expert_and_the_tensor():
    base, _ = family(1, shapes={"a": (40, 30), "b": (40, 30)})
    ones = {name: tensor + 1 for name, tensor in base.items()}

    def kept(seed=0, number=0, name="a"):
        models = [base, base]
        models[number] = ones
        return merge(DareTies(1.0), models, base, seed=seed)[name] != base[name]

    first = kept()
    assert torch.equal(first, kept())
    for other in (kept(seed=1), kept(number=1), kept(name="b")):
        assert (first == other).float().mean().item() == pytest.approx(0.5, abs=0.06)


def test_election_is_among_those_that_were_not_dropped():
    base = {"w": torch.zeros(60, 50)}
    experts = [{"w": torch.full((60, 50), 3.0)}, {"w": torch.full((60, 50), -1.0)}]
    found = merge(DareTies(density=0.5), experts, base)["w"]
    shares = [(found == value).float().mean().item() for value in (6.0, -2.0, 0.0)]
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.04)


def test_identical_experts_agree_where_they_are_kept():
    base, experts = family(1, shapes=WIDE)
    found = merge(DareTies(density=0.5), [experts[0]] * 2, base)["w"] - base["w"]
    change = experts[0]["w"] - base["w"]
    ratio = (found / change)[change.abs() > 1e-3]
    assert set(np.round(ratio.unique().numpy(), 1)) == {0.0, 2.0}
    assert_identical_experts_give_the_expert(DareTies(density=1.0))


def test_equals_mergekit_where_nothing_is_dropped():
    assert_golden(DareTies, "dare_ties, nothing dropped", normalize=False)


@pytest.mark.parametrize("density", [0, 1.2, [0.5, 0]])
def test_densities_outside_are_refused(density):
    with pytest.raises(InputError, match=r"`density` must lie in \(0, 1\]"):
        DareTies(density=density)
