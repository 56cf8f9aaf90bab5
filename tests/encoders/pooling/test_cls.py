"""Cls against a loop over the tokens of each text, with padding on either side."""

import pytest
import torch

from accord.encoders.pooling.cls import Cls, cls


def plainly(rows):
    return rows[0]


@pytest.mark.parametrize("side", ["right", "left"])
def test_it_equals_a_loop_whatever_lies_in_the_padding(side, generator):
    lengths, width = (5, 1, 3), 5
    tokens = torch.randn(3, width, 4, generator=generator)
    places = torch.arange(width)
    mask = torch.stack([places < n if side == "right" else places >= width - n for n in lengths])
    wanted = torch.stack([plainly(row[kept]) for row, kept in zip(tokens, mask)])
    torch.testing.assert_close(Cls()(tokens, mask.long()), wanted)
    assert torch.equal(cls(tokens.masked_fill(~mask[..., None], 1e4), mask), cls(tokens, mask))


def test_gradients_reach_every_real_token(generator):
    tokens = torch.randn(2, 3, 4, generator=generator, requires_grad=True)
    cls(tokens, torch.tensor([[1, 1, 0], [1, 1, 1]])).sum().backward()
    assert tokens.grad.abs().sum() > 0
    assert tokens.grad[0, 2].abs().sum() == 0
