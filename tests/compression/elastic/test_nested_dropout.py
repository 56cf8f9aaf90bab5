"""The first dimensions are kept most often."""

import numpy as np
import pytest
import torch

from accord.compression.elastic import NestedDropout
from accord.compression.elastic.base import Seen
from accord.compression.elastic.nested_dropout import nested_dropout
from accord.compression.elastic.sizes import Shape
from accord.core.errors import InputError
from accord.core.types import View
from accord.objectives import InfoNCE

SHAPE = Shape(6, 64)


def counts(**options):
    draws = [nested_dropout(np.random.default_rng(seed), 8, **options) for seed in range(4000)]
    return np.bincount(draws, minlength=9)[1:] / len(draws)


def test_the_draw_is_geometric_up_to_the_whole():
    odds = 0.7 ** np.arange(8)
    np.testing.assert_allclose(counts(decay=0.3), odds / odds.sum(), atol=0.03)


def test_or_uniform_from_the_least_on():
    np.testing.assert_allclose(counts(distribution="uniform", least=5), [0, 0, 0, 0, *[0.25] * 4], atol=0.03)
    assert nested_dropout(np.random.default_rng(0), 8, least=8) == 8


def test_a_step_trains_one_prefix_or_the_whole():
    method = NestedDropout([32, 16], share=0.5)
    views = [method.drawn(np.random.default_rng(seed), SHAPE).views for seed in range(300)]
    assert {len(one) for one in views} == {1}
    whole = np.mean([one == (View(),) for one in views])
    assert 0.4 < whole < 0.6
    dims = {one[0].dim for one in views} - {None}
    assert min(dims) >= 16
    assert len(dims) > 15


def test_the_loss_is_the_inner_one():
    scores = torch.randn(3, 3)
    found = NestedDropout([8]).of(InfoNCE())([Seen(View(dim=9), {"scores": scores}, scores)])
    torch.testing.assert_close(found, InfoNCE()(scores))


def test_what_it_refuses():
    with pytest.raises(InputError, match="NestedDropout orders dimensions"):
        NestedDropout([[4, 32]]).fitted(SHAPE)
    with pytest.raises(InputError, match="`share` must be above 0"):
        NestedDropout([8], share=0)
    with pytest.raises(InputError, match="`distribution` must be one of"):
        NestedDropout([8], distribution="normal")
    with pytest.raises(InputError, match="`decay`"):
        NestedDropout([8], decay=1.0)
