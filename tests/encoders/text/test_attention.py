"""Attention with fast dropout equals the plain formula under the same mask, and transformers' own without dropout."""

import pytest
import torch
from tiny_models import tiny_encoder
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from accord.core.types import View
from accord.encoders.text.attention import attend
from accord.encoders.text.dropout import fast_dropout


class Layer(nn.Module):
    is_causal = False


def _states(heads=3, keys=3):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, heads, 7, 8, generator=generator)
    return query, *(torch.randn(2, keys, 7, 8, generator=generator) for _ in range(2))


MASK = torch.ones(2, 1, 7, 7, dtype=torch.bool)
MASK[1, :, :, 4:] = False
MASKS = {"none": None, "boolean": MASK, "additive": torch.zeros(2, 1, 7, 7).masked_fill(~MASK, float("-inf"))}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_without_dropout_it_is_transformers_own(mask):
    states = _states()
    expected = sdpa_attention_forward(Layer(), *states, mask)[0]
    assert torch.equal(attend(Layer(), *states, mask)[0], expected)
    tiny = attend(Layer(), *states, mask, dropout=1e-9)[0]
    torch.testing.assert_close(tiny, expected)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_dropout_thins_the_weights(mask):
    query, key, value = _states()
    torch.manual_seed(5)
    found = attend(Layer(), query, key, value, mask, dropout=0.3, scaling=0.5)[0]
    scores = 0.5 * torch.einsum("bhqd,bhkd->bhqk", query, key)
    if mask is not None:
        scores = scores + MASKS["additive"]
    torch.manual_seed(5)
    weights = fast_dropout(scores.softmax(-1), 0.3)
    torch.testing.assert_close(found, torch.einsum("bhqk,bhkd->bqhd", weights, value))
    assert not torch.allclose(found, sdpa_attention_forward(Layer(), query, key, value, mask, scaling=0.5)[0])


@pytest.mark.parametrize("change", [{"is_causal": True}, {"position_bias": torch.zeros(2, 3, 7, 7)}], ids=str)
def test_what_it_does_not_know_goes_to_transformers(change):
    states = _states()
    torch.manual_seed(1)
    found = attend(Layer(), *states, None, dropout=0.2, **change)[0]
    torch.manual_seed(1)
    assert torch.equal(found, sdpa_attention_forward(Layer(), *states, None, dropout=0.2, **change)[0])


def test_keys_shared_by_heads_go_to_transformers():
    layer = Layer()
    layer.num_key_value_groups = 3
    states = _states(keys=1)
    torch.manual_seed(1)
    found = attend(layer, *states, None, dropout=0.2)[0]
    torch.manual_seed(1)
    assert torch.equal(found, sdpa_attention_forward(layer, *states, None, dropout=0.2)[0])


def test_an_encoder_attends_this_way_and_its_gradients_flow():
    encoder = tiny_encoder().train()
    assert encoder.backbone.config._attn_implementation == "accord_sdpa"
    assert "attn_implementation" not in str(encoder.backbone.config.to_dict())
    encoder(encoder.prepare(["one two", "three four five"])).pooled[View()].square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.backbone.encoder.parameters())
