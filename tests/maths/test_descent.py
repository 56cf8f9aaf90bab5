"""The small optimiser goes down, counts its steps and says when it cannot."""

from contextlib import contextmanager

import pytest
import torch

from accord.core.errors import InputError
from accord.maths.descent import adam_descent


def test_it_finds_least_squares():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(50, 3, generator=generator)
    outputs = inputs @ torch.tensor([1.0, -2.0, 0.5])
    weight = torch.zeros(3, requires_grad=True)
    losses = adam_descent(
        [weight], lambda _: ((inputs @ weight - outputs) ** 2).mean(), steps=300, learning_rate=0.1, clip=10.0
    )
    assert len(losses) == 300
    assert losses[-1] < 1e-4 < losses[0]
    torch.testing.assert_close(weight.detach(), torch.tensor([1.0, -2.0, 0.5]), atol=0.02, rtol=0)


def test_the_rate_rises_and_then_falls_to_nothing():
    weight = torch.zeros(1, requires_grad=True)
    places = []

    def loss(step):
        assert step == len(places)
        places.append(weight.item())
        return -weight.sum()

    adam_descent([weight], loss, steps=100, learning_rate=0.1)
    moves = torch.tensor(places).diff()
    assert moves[0] < moves[4]
    assert moves[4:].diff().max() <= 1e-6
    assert moves[-1] < 1e-3 * moves.max() + 1e-4


def test_progress_is_told_of_every_step():
    told = []

    @contextmanager
    def bar(description, *, total, unit="items"):
        told.append((description, total, unit))
        yield told.append

    weight = torch.ones(1, requires_grad=True)
    adam_descent([weight], lambda _: weight.sum(), steps=3, learning_rate=0.1, name="here", progress=bar)
    assert told == [("here", 3, "steps"), 1, 1, 1]


def test_a_loss_that_is_no_number_is_refused():
    weight = torch.ones(1, requires_grad=True)
    with pytest.raises(InputError, match=r"The loss is nan at step 1 of `fit`\. Lower `learning_rate`"):
        adam_descent([weight], lambda _: weight.sum() * float("nan"), steps=3, learning_rate=0.1)
    with pytest.raises(InputError, match="`learning_rate`"):
        adam_descent([weight], lambda _: weight.sum(), steps=1, learning_rate=0.0)
