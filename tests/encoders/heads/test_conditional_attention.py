"""A query attends to tokens: beside a loop, with padding that is not seen, and with a space for each condition."""

import math

import numpy as np
import pytest
import torch

from accord.core.errors import InputError
from accord.encoders.heads import ConditionalAttention
from accord.encoders.heads.conditional_attention import conditional_attention


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


def plain(condition, keys, values, mask, heads):
    width = condition.shape[1] // heads
    found = torch.zeros_like(condition)
    for text in range(len(condition)):
        real = [t for t in range(keys.shape[1]) if mask[text, t]]
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            raw = [float(condition[text, part] @ keys[text, t, part]) / math.sqrt(width) for t in real]
            total = sum(math.exp(score) for score in raw)
            for score, t in zip(raw, real):
                found[text, part] += math.exp(score) / total * values[text, t, part]
    return found


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_that_of_a_loop(heads):
    condition, keys, values = drawn(3, 8), drawn(3, 5, 8, seed=1), drawn(3, 5, 8, seed=2)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False], [True, False, True, True, False]])
    found = conditional_attention(condition, keys, values, mask, heads=heads)
    torch.testing.assert_close(found, plain(condition, keys, values, mask, heads), atol=1e-5, rtol=1e-5)


@pytest.fixture
def head():
    return ConditionalAttention(["topic", "tone"], 8, 6, heads=2, seed=3).eval()


def test_padding_is_not_seen_and_vectors_have_unit_length(head):
    tokens, mask = drawn(2, 4, 8), torch.tensor([[True] * 4, [True, True, False, False]])
    found = head(tokens, mask, torch.tensor([0, 1]))
    assert found.shape == (2, 6)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    changed = tokens.clone()
    changed[1, 2:] = 9.0
    torch.testing.assert_close(head(changed, mask, torch.tensor([0, 1])), found)
    torch.testing.assert_close(head(tokens[1:, :2], mask[1:, :2], torch.tensor([1])), found[1:])


def test_conditions_differ_and_share_all_other_weights(head):
    tokens, mask = drawn(1, 4, 8), torch.ones(1, 4, dtype=torch.bool)
    topic, tone = (head(tokens, mask, torch.tensor([n])) for n in (0, 1))
    assert (topic - tone).abs().max() > 0.01
    assert sum(p.numel() for n, p in head.named_parameters() if n == "conditions") == 2 * 8


def test_every_weight_learns_and_dropout_ends_with_training(head):
    tokens, mask = drawn(4, 3, 8), torch.ones(4, 3, dtype=torch.bool)
    numbers = torch.tensor([0, 1, 0, 1])
    (head(tokens, mask, numbers) @ drawn(6, 1)).square().sum().backward()
    # a shift of all keys moves no weight of a softmax, so the bias of keys has no gradient
    assert all(p.grad.abs().max() > 0 for name, p in head.named_parameters() if name != "key.bias")
    torch.testing.assert_close(head(tokens, mask, numbers), head(tokens, mask, numbers))


def test_equal_seeds_give_equal_weights():
    first, again, other = (ConditionalAttention(["a"], 8, 4, heads=2, seed=n).state_dict() for n in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conditions"], other["conditions"])


def test_bad_names_and_sizes_are_refused():
    with pytest.raises(InputError, match="different conditions"):
        ConditionalAttention(["a", "a"], 8, 4)
    with pytest.raises(InputError, match="`heads` must divide `in_features`, 8"):
        ConditionalAttention(["a"], 8, 4, heads=3)
    with pytest.raises(InputError, match="`dropout`"):
        ConditionalAttention(["a"], 8, 4, dropout=2.0)
