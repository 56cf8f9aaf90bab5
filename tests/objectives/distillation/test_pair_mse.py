"""Distillation of single scores: its formula and properties."""

import pytest
import torch
from objectives import asserts

from accord.core.errors import InputError
from accord.objectives import PairMSE
from accord.objectives.distillation.pair_mse import pair_mse


def test_equals_its_formula():
    scores, taught = torch.tensor([0.5, -0.1]), torch.tensor([4.0, 1.0])
    assert pair_mse(scores, taught, temperature=0.1).item() == pytest.approx((1.0 + 4.0) / 2, rel=1e-5)


def test_properties():
    scores, taught = (torch.rand(6, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    loss = PairMSE()
    asserts.assert_gradient(lambda s: loss(s, taught.double()), scores)
    asserts.assert_permutation_invariant(lambda order: loss(scores[order], taught[order]), lambda order: order)
    with pytest.raises(InputError, match="`temperature`"):
        PairMSE(temperature=0)
