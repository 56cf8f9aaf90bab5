"""Adapters on an encoder: put on, taken off, folded."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import tiny_encoder, tiny_tokenizer
from torch import nn
from transformers import (
    AutoModel,
    DistilBertConfig,
    LlamaConfig,
    ModernBertConfig,
    MPNetConfig,
    Qwen2Config,
    RobertaConfig,
    XLMRobertaConfig,
)

from accord.core.errors import InputError
from accord.encoders import StaticEncoder, doctor, load
from accord.encoders.adapters import LoRALinear, attach, folded

TEXTS = ["read a file", "the row of the list", "", "two three"]


def test_attaching_changes_no_vector_and_trains_the_adapter_only():
    encoder = tiny_encoder()
    before = encoder.encode(TEXTS)
    adapter = attach(encoder, rank=2, alpha=4.0)
    assert np.array_equal(encoder.encode(TEXTS), before)
    trained = {name for name, p in encoder.named_parameters() if p.requires_grad}
    assert trained == {f"backbone.{name}.{part}" for name in adapter.layers for part in ("down", "up")}
    assert len(adapter.layers) == 4 * 3
    assert adapter.parameters == 12 * 2 * (32 + 32)


def test_equal_seeds_give_equal_adapters():
    first, same, other = (attach(tiny_encoder(), rank=2, alpha=1.0, seed=seed) for seed in (1, 1, 2))
    name = next(iter(first.layers))
    assert torch.equal(first.layers[name].down, same.layers[name].down)
    assert not torch.equal(first.layers[name].down, other.layers[name].down)
    assert first.base == other.base


def test_folding_keeps_the_vectors_and_gives_a_plain_encoder_back(adapted):
    encoder, adapter = adapted()
    wanted = encoder.encode(TEXTS)
    assert np.abs(wanted - tiny_encoder().encode(TEXTS)).max() > 0.1
    adapter.fold()
    np.testing.assert_allclose(encoder.encode(TEXTS), wanted, atol=1e-6)
    assert not any(isinstance(module, LoRALinear) for module in encoder.modules())
    assert list(encoder.state_dict()) == list(tiny_encoder().state_dict())
    assert all(p.requires_grad for p in encoder.parameters())


def test_taking_off_restores_every_bit(adapted):
    encoder, adapter = adapted()
    adapter.remove()
    assert encoder.fingerprint() == tiny_encoder().fingerprint()
    assert all(p.requires_grad for p in encoder.parameters())


def test_frozen_parameters_stay_frozen():
    encoder = tiny_encoder()
    still = [p for name, p in encoder.named_parameters() if "layer.0" in name]
    for parameter in still:
        parameter.requires_grad_(False)
    names = {name for name, p in encoder.named_parameters() if p.requires_grad}
    attach(encoder, rank=2, alpha=1.0).fold()
    assert {name for name, p in encoder.named_parameters() if p.requires_grad} == names


def test_saving_folds_a_copy(adapted, tmp_path):
    encoder, adapter = adapted()
    wanted = encoder.encode(TEXTS)
    encoder.save(tmp_path / "m")
    assert adapter.layers  # it can be trained on
    np.testing.assert_allclose(load(tmp_path / "m", device="cpu").encode(TEXTS), wanted, atol=1e-6)
    theirs = SentenceTransformer(str(tmp_path / "m"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(theirs, wanted, atol=1e-6)
    assert doctor(tmp_path / "m").passed
    plain = tiny_encoder()
    assert folded(plain) is plain


SMALL = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
DISTILBERT = DistilBertConfig(vocab_size=300, dim=32, n_layers=2, n_heads=4, hidden_dim=64)
WIDE = SMALL | {"intermediate_size": 64, "pad_token_id": 0}


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        (RobertaConfig(**WIDE), 8),
        (XLMRobertaConfig(**WIDE), 8),
        (MPNetConfig(**WIDE), 8),
        (DISTILBERT, 8),
        (ModernBertConfig(**WIDE, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2), 4),
        (LlamaConfig(**WIDE), 8),
        (Qwen2Config(**WIDE, num_key_value_heads=4), 8),
    ],
    ids=lambda value: getattr(value, "model_type", ""),
)
def test_the_projections_of_attention_are_found_in_each_family(config, layers):
    with torch.random.fork_rng(devices=[]):
        encoder = nn.ModuleDict({"backbone": AutoModel.from_config(config)})
    adapter = attach(encoder, rank=1, alpha=1.0)
    assert len(adapter.layers) == layers
    assert all("attn" in name or "attention" in name for name in adapter.layers)


@pytest.mark.parametrize(
    ("targets", "layers"),
    [
        (["query"], 3),
        (["attention.self.query", "value"], 6),
        (["encoder.layer.1.intermediate.dense"], 1),
        (["dense"], 3 * 3 + 1),
    ],
)
def test_targets_are_ends_of_names(targets, layers):
    adapter = attach(tiny_encoder(), rank=1, alpha=1.0, targets=targets)
    assert len(adapter.layers) == layers
    assert adapter.targets == tuple(targets)


def test_what_cannot_be_adapted_is_refused(adapted):
    with pytest.raises(InputError, match="Did you mean `query`"):
        attach(tiny_encoder(), rank=1, alpha=1.0, targets=["qery"])
    with pytest.raises(InputError, match="must be a list"):
        attach(tiny_encoder(), rank=1, alpha=1.0, targets="query")
    with pytest.raises(InputError, match="already"):
        attach(adapted()[0], rank=1, alpha=1.0)
    tokenizer = tiny_tokenizer()
    with pytest.raises(InputError, match="no linear layers"):
        attach(StaticEncoder(torch.ones(len(tokenizer), 2), tokenizer), rank=1, alpha=1.0)


def test_other_attention_is_said_to_be_unknown():
    encoder = tiny_encoder()
    encoder.backbone = nn.ModuleDict({"mix": nn.Linear(2, 2)})
    with pytest.raises(InputError, match="its linear layers end with mix"):
        attach(encoder, rank=1, alpha=1.0)
