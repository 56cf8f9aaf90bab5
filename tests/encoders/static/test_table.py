"""The mean over tokens, beside a plain loop."""

import pytest
import torch

from accord.core.errors import InputError
from accord.encoders.static import TokenTable


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mapped", [False, True])
def test_forward_is_the_mean_of_folded_rows(generator, weighted, mapped):
    tokens = 9
    rows = torch.randn(4 if mapped else tokens, 3, generator=generator)
    weights = torch.rand(tokens, generator=generator) if weighted else None
    mapping = torch.randint(4, (tokens,), generator=generator) if mapped else None
    table = TokenTable(rows, weights=weights, mapping=mapping)
    bags = [[1, 2, 2], [], [8], []]
    flat = torch.tensor([token for bag in bags for token in bag])
    found = table(flat, torch.tensor([0, 3, 3, 4]))
    each = table.folded()
    wanted = torch.stack([each[bag].mean(dim=0) if bag else torch.zeros(3) for bag in bags])
    torch.testing.assert_close(found, wanted)
    assert table.tokens == tokens


def test_no_texts_give_no_vectors():
    assert TokenTable(torch.ones(2, 3))(torch.zeros(0).long(), torch.zeros(0).long()).shape == (0, 3)


def test_a_mapping_to_missing_rows_is_refused():
    with pytest.raises(InputError, match=r"`mapping` must lie in \[0, 2\)"):
        TokenTable(torch.ones(2, 3), mapping=[0, 2])
    with pytest.raises(InputError, match="`weights` must hold one number a token"):
        TokenTable(torch.ones(2, 3), weights=torch.ones(2, 2))


def test_numbers_are_copied():
    numbers = torch.ones(2, 3)
    TokenTable(numbers).embeddings.data.zero_()
    assert numbers.all()
