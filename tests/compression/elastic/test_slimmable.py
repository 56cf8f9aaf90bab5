"""Narrow feed-forward parts that give what the whole width gives."""

import numpy as np
import pytest
import torch

from accord.compression.elastic import Slimmable
from accord.compression.elastic.base import Seen
from accord.compression.elastic.sizes import Shape
from accord.compression.elastic.slimmable import slimmable
from accord.core.errors import InputError
from accord.core.types import View
from accord.objectives import InfoNCE

SHAPE = Shape(3, 32, 64)
SIZES = [[3, 32, 64], [3, 32, 48], [3, 32, 32], [3, 16, 16]]


def test_the_whole_the_smallest_and_some_between():
    views = [Slimmable(SIZES).drawn(np.random.default_rng(seed), SHAPE).views for seed in range(20)]
    assert all(one[0] == View() and one[-1] == View(dim=16, width=16) and len(one) == 3 for one in views)
    assert {one[1].width for one in views} == {48, 32}
    assert len(Slimmable(SIZES, per_step=0).drawn(np.random.default_rng(0), SHAPE).views) == 2
    assert Slimmable([[3, 32, 64]]).drawn(np.random.default_rng(0), SHAPE).views == (View(),)


def test_vectors_are_drawn_to_the_whole_ones_which_stay():
    narrow, whole = torch.randn(5, 4, requires_grad=True), torch.randn(5, 6, requires_grad=True)
    found = slimmable(narrow, whole)
    torch.testing.assert_close(found, 1 - torch.cosine_similarity(narrow, whole[:, :4]).mean())
    found.backward()
    assert whole.grad is None
    assert slimmable(whole[:, :3], whole).abs() < 1e-6


def test_the_loss_adds_the_distance():
    vectors, scores = [torch.randn(4, 6), torch.randn(4, 3)], [torch.randn(2, 2), torch.randn(2, 2)]
    views = [Seen(View(width=n), {"scores": s}, v) for n, (s, v) in enumerate(zip(scores, vectors))]
    found = Slimmable(SIZES, invariance=0.5).of(InfoNCE())(views)
    wanted = sum(InfoNCE()(s) for s in scores) + 0.5 * slimmable(vectors[1], vectors[0])
    torch.testing.assert_close(found, wanted)


def test_what_it_refuses():
    with pytest.raises(InputError, match="were not found"):
        Slimmable(SIZES).fitted(Shape(3, 32))
    with pytest.raises(InputError, match="`invariance`"):
        Slimmable(SIZES, invariance=-1)
    with pytest.raises(InputError, match="`per_step`"):
        Slimmable(SIZES, per_step=-1)
