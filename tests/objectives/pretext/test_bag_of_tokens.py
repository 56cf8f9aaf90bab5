"""The tokens of a text under one softmax: beside torch with soft labels, and token by token."""

import pytest
import torch
from objectives.asserts import assert_gradient, assert_shift_invariant

from accord.core.errors import InputError
from accord.objectives.pretext.bag_of_tokens import BagOfTokens, bag_of_tokens

BAGS = torch.tensor([[1.0, 0, 1, 0, 0, 0], [0, 0, 0, 2, 1, 0], [0, 0, 0, 0, 0, 1]])


def logits():
    return torch.randn(3, 6, generator=torch.Generator().manual_seed(0))


def test_it_is_the_cross_entropy_of_torch_with_shares():
    wanted = torch.nn.functional.cross_entropy(logits(), BAGS / BAGS.sum(1, keepdim=True))
    torch.testing.assert_close(bag_of_tokens(logits(), BAGS), wanted)
    torch.testing.assert_close(BagOfTokens()(logits(), BAGS), wanted)


def test_one_token_a_text_is_classification():
    labels = torch.tensor([4, 0, 2])
    torch.testing.assert_close(
        bag_of_tokens(logits(), torch.eye(6)[labels]), torch.nn.functional.cross_entropy(logits(), labels)
    )


def test_a_text_without_tokens_does_not_count():
    more, empty = torch.cat([logits(), torch.ones(1, 6)]), torch.cat([BAGS, torch.zeros(1, 6)])
    torch.testing.assert_close(bag_of_tokens(more, empty), bag_of_tokens(logits(), BAGS))
    assert bag_of_tokens(logits(), torch.zeros(3, 6)).item() == 0


def test_gradient_shift_and_scale_of_the_weights():
    assert_gradient(lambda z: bag_of_tokens(z, BAGS.double()), logits())
    assert_shift_invariant(lambda z: bag_of_tokens(z, BAGS), logits())
    torch.testing.assert_close(bag_of_tokens(logits(), 5 * BAGS), bag_of_tokens(logits(), BAGS))


def test_bad_rates_are_named():
    for rate in (1, -0.1):
        with pytest.raises(InputError, match="`rate`"):
            BagOfTokens(rate=rate)
