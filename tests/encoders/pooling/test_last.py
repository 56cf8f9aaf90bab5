"""Last against a loop over the tokens of each text, with padding on either side."""

import pytest
import torch

from accord.encoders.pooling.last import Last, last


def plainly(rows):
    return rows[-1]


@pytest.mark.parametrize("side", ["right", "left"])
def test_it_equals_a_loop_whatever_lies_in_the_padding(side, generator):
    lengths, width = (5, 1, 3), 5
    tokens = torch.randn(3, width, 4, generator=generator)
    places = torch.arange(width)
    mask = torch.stack([places < n if side == "right" else places >= width - n for n in lengths])
    wanted = torch.stack([plainly(row[kept]) for row, kept in zip(tokens, mask)])
    torch.testing.assert_close(Last()(tokens, mask.long()), wanted)
    assert torch.equal(last(tokens.masked_fill(~mask[..., None], 1e4), mask), last(tokens, mask))


def test_where_no_token_counts_it_gives_zeros_whatever_the_padding(generator):
    tokens = torch.randn(2, 3, 4, generator=generator)
    found = last(tokens, torch.tensor([[0, 0, 0], [1, 0, 0]]))
    assert found[0].tolist() == [0] * 4
    assert torch.equal(found[1], tokens[1, 0])


def test_gradients_reach_every_real_token(generator):
    tokens = torch.randn(2, 3, 4, generator=generator, requires_grad=True)
    last(tokens, torch.tensor([[1, 1, 0], [1, 1, 1]])).sum().backward()
    assert tokens.grad.abs().sum() > 0
    assert tokens.grad[0, 2].abs().sum() == 0
