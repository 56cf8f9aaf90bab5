"""A layer and a prefix a step, and the whole model beside them."""

import numpy as np
import pytest
import torch

from accord.compression.elastic import Matryoshka2d
from accord.compression.elastic.alignment import divergence
from accord.compression.elastic.base import Seen
from accord.compression.elastic.matryoshka_2d import matryoshka_2d
from accord.compression.elastic.sizes import Shape
from accord.core.errors import InputError
from accord.core.types import View
from accord.objectives import InfoNCE

SHAPE = Shape(6, 384)
SIZES = [[6, 384], [4, 256], [2, 128]]


def drawn(method, seed=0, shape=SHAPE):
    return method.drawn(np.random.default_rng(seed), shape).views


def test_four_views_of_one_layer_and_one_dimension():
    seen = set()
    for seed in range(60):
        whole, prefix, layer, both = drawn(Matryoshka2d(SIZES), seed)
        assert whole == View()
        assert (prefix, layer) == (View(dim=both.dim), View(both.layer))
        seen.add((both.layer, both.dim))
    assert seen == {(layer, dim) for layer in range(1, 6) for dim in (128, 256)}


def test_what_is_drawn_from_can_be_said():
    found = {drawn(Matryoshka2d(SIZES, layers=[3], dims=[64, 32]), seed)[3] for seed in range(20)}
    assert found == {View(3, 64), View(3, 32)}


def test_sizes_of_layers_alone_train_layers_alone():
    views = drawn(Matryoshka2d([[6, 384], [3, 384]]))
    assert len(views) == 2
    assert views[0] == View()
    assert views[1].dim is None


def test_the_loss_adds_the_alignment_of_all_smaller_ones():
    scores = [torch.randn(4, 4) for _ in range(4)]
    views = [Seen(View(number), {"scores": each}, each) for number, each in enumerate(scores)]
    inner = InfoNCE(temperature=0.4)
    found = Matryoshka2d(SIZES, alignment=0.3).of(inner)(views)
    apart = sum(divergence(inner, one, views[0], temperature=0.4) for one in views[1:])
    torch.testing.assert_close(found, sum(inner(each) for each in scores) + 0.3 * apart)
    assert matryoshka_2d([torch.tensor(1.0)], [torch.tensor(1.0)], alignment=0.0) == 1.0


@pytest.mark.parametrize(
    ("method", "shape", "message"),
    [
        (Matryoshka2d([8]), Shape(0, 16), "draws a shallower layer, and this model has none"),
        (Matryoshka2d(SIZES, layers=[7]), SHAPE, "larger than the model"),
        (Matryoshka2d(SIZES, dims=[385]), SHAPE, "larger than the model"),
        (Matryoshka2d([[4, 256, 8]]), Shape(6, 384, 16), "no widths"),
    ],
)
def test_what_does_not_fit_a_model_is_refused(method, shape, message):
    with pytest.raises(InputError, match=message):
        method.fitted(shape)


def test_arguments_that_mean_nothing_are_refused():
    with pytest.raises(InputError, match="`layers` is empty"):
        Matryoshka2d(SIZES, layers=[])
    with pytest.raises(InputError, match="`dims` must be at least 1"):
        Matryoshka2d(SIZES, dims=[0])
