"""Prefixes of the last layer."""

import numpy as np
import pytest
import torch

from accord.compression.elastic import Matryoshka
from accord.compression.elastic.base import Seen
from accord.compression.elastic.matryoshka import matryoshka
from accord.compression.elastic.sizes import Shape
from accord.core.errors import InputError
from accord.core.types import View
from accord.objectives import InfoNCE

SHAPE = Shape(6, 384)


def drawn(method, seed=0):
    return method.drawn(np.random.default_rng(seed), SHAPE)


def test_the_whole_and_every_prefix():
    assert drawn(Matryoshka([256, 128])).views == (View(), View(dim=256), View(dim=128))
    assert drawn(Matryoshka([[6, 384], [6, 128]])).views == (View(), View(dim=128))
    assert drawn(Matryoshka([384, 128], weights=[3.0, 2.0])).weights == (3.0, 2.0)


def test_some_of_them_a_step():
    found = [drawn(Matryoshka([256, 128, 64], per_step=1, weights=[4.0, 2.0, 1.0]), seed) for seed in range(20)]
    assert {one.views[0] for one in found} == {View()}
    assert {one.views[1].dim: one.weights[1] for one in found} == {256: 4.0, 128: 2.0, 64: 1.0}
    assert {len(one.views) for one in found} == {2}
    ordered = [drawn(Matryoshka([256, 128, 64], per_step=2), seed).views for seed in range(9)]
    assert all(views[1].dim > views[2].dim for views in ordered)


def test_the_loss_is_the_weighted_sum():
    scores = [torch.randn(4, 4) for _ in range(2)]
    views = [
        Seen(View(), {"scores": scores[0]}, scores[0], 1.0),
        Seen(View(dim=8), {"scores": scores[1]}, scores[1], 0.5),
    ]
    found = Matryoshka([8], weights=[0.5]).of(InfoNCE())(views)
    torch.testing.assert_close(found, InfoNCE()(scores[0]) + 0.5 * InfoNCE()(scores[1]))
    assert matryoshka([torch.tensor(1.0), torch.tensor(2.0)]) == 3.0


def test_layers_are_refused():
    with pytest.raises(InputError, match=r"Matryoshka trains the last layer alone.*model's 6x384"):
        Matryoshka([[4, 256]]).fitted(SHAPE)
    with pytest.raises(InputError, match="`per_step` must be at least 1"):
        Matryoshka([256], per_step=0)
    with pytest.raises(InputError, match="one a size"):
        Matryoshka([256], weights=[])
