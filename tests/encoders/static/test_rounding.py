"""Tables in fewer bytes keep directions and lengths."""

import numpy as np
import pytest
import torch

from accord.encoders.static import TokenTable
from accord.encoders.static.rounding import rounded


@pytest.mark.parametrize(("stored", "error"), [("float32", 0.0), ("float16", 5e-4), ("int8", 4e-3)])
@pytest.mark.parametrize("mapped", [False, True])
def test_folded_rows_hardly_move(generator, stored, error, mapped):
    mapping = torch.randint(5, (9,), generator=generator) if mapped else None
    table = TokenTable(torch.randn(5 if mapped else 9, 6, generator=generator), mapping=mapping)
    before, after = table.folded(), rounded(table, stored).folded()
    largest = before.abs().amax(dim=1, keepdim=True)
    assert ((after - before).abs() <= error * largest).all()


def test_int8_is_whole_numbers_and_a_zero_row_stays_zero():
    table = rounded(TokenTable(torch.tensor([[0.0, 0.0], [3.0, -1.0]])), "int8")
    assert table.embeddings.tolist() == [[0.0, 0.0], [127.0, -42.0]]
    assert table.weights.tolist()[0] == 1.0
    assert not np.signbit(table.embeddings.detach().numpy()[0]).any()


def test_weights_are_multiplied(generator):
    weights = torch.rand(4, generator=generator)
    table = TokenTable(torch.randn(4, 3, generator=generator), weights=weights)
    torch.testing.assert_close(rounded(table, "int8").folded(), table.folded(), atol=0.02, rtol=0)
