"""Every layer keeps the dimension that stands beside it."""

import numpy as np
import pytest
import torch
from torch import nn

from accord.compression.elastic import Starbucks
from accord.compression.elastic.base import Seen
from accord.compression.elastic.sizes import Shape
from accord.compression.elastic.starbucks import starbucks
from accord.core.errors import InputError
from accord.core.types import View
from accord.objectives import InfoNCE

SHAPE = Shape(12, 768)
SIZES = [[12, 768], [10, 512], [8, 256], [6, 128], [4, 64], [2, 32]]


def drawn(method, shape=SHAPE, seed=0):
    return method.drawn(np.random.default_rng(seed), shape)


def test_layers_and_dimensions_stay_in_pairs():
    found = drawn(Starbucks(SIZES))
    assert found.views == (View(), View(10, 512), View(8, 256), View(6, 128), View(4, 64), View(2, 32))
    assert found == drawn(Starbucks(SIZES), seed=5)


def test_the_whole_model_is_always_there():
    assert drawn(Starbucks([[4, 64]])).views == (View(), View(4, 64))
    assert drawn(Starbucks([[4, 64]], weights=[0.5])).weights == (1.0, 0.5)
    assert drawn(Starbucks([[12, 768], [4, 64]], weights=[2.0, 0.5])).weights == (2.0, 0.5)


def test_losses_are_summed_and_divergences_weighed():
    losses, apart = [torch.tensor(1.0), torch.tensor(2.0)], [torch.tensor(3.0)]
    assert starbucks(losses, apart, alignment=0.5) == 4.5
    assert starbucks(losses, []) == 3.0


def test_the_small_sizes_do_not_move_the_whole_by_the_alignment():
    full, small = (torch.randn(4, 4, requires_grad=True) for _ in range(2))
    views = [Seen(View(), {"scores": full}, full), Seen(View(2, 32), {"scores": small}, small)]
    inner = InfoNCE(temperature=0.5)
    Starbucks([[2, 32]], alignment=7.0).of(inner)(views).backward()
    aligned = full.grad.clone()
    full.grad = None
    inner(full).backward()
    torch.testing.assert_close(aligned, full.grad)


def test_one_size_as_large_as_the_model_is_the_inner_objective():
    scores = torch.randn(4, 4)
    found = Starbucks([[12, 768]]).of(InfoNCE())([Seen(View(), {"scores": scores}, scores)])
    torch.testing.assert_close(found, InfoNCE()(scores))


def test_weights_of_an_inner_objective_are_the_wrappers_too():
    inner = nn.Bilinear(2, 2, 1)
    assert set(Starbucks([8]).of(inner).parameters()) == set(inner.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": [1.0, 2.0]}, "one a size. Got 2 for 1"),
        ({"weights": [-1.0]}, "`weights` must be at least 0"),
        ({"alignment": -1}, "`alignment` must be at least 0"),
        ({"temperature": 0}, "`temperature` must be positive"),
    ],
)
def test_what_it_refuses(options, message):
    with pytest.raises(InputError, match=message):
        Starbucks([[4, 64]], **options)
