"""Tiny cross-encoders made on the spot, with the small vocabulary of `tiny_models`."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from tiny_models import WORDS, tiny_tokenizer
from transformers import BertConfig, BertForSequenceClassification

from accord.encoders.pairs import CrossEncoder


def typed_tokenizer(max_length: int = 64, *, types: bool = True):
    """A tokenizer that does or does not tell the two sides apart."""
    tokenizer = tiny_tokenizer(max_length)
    tokenizer.model_input_names = ["input_ids", *(["token_type_ids"] if types else []), "attention_mask"]
    return tokenizer


def tiny_cross_encoder(*, seed=0, labels=1, max_length=64, types=True, dropout=0.1, **options) -> CrossEncoder:
    """A random cross-encoder. The global generator is left as it was."""
    tokenizer = typed_tokenizer(max_length, types=types)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
        num_labels=labels,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = BertForSequenceClassification(config)
    return CrossEncoder(backbone, tokenizer, max_length=max_length, **options).eval()


def tiny_cross_encoder_folder(path: Path | str, **options) -> Path:
    """Save :func:`tiny_cross_encoder` and give its folder."""
    tiny_cross_encoder(**options).save(path)
    return Path(path)


def tiny_pairs(count: int = 60, *, seed: int = 0) -> tuple[list[str], list[str]]:
    """Two sides of pairs: empty, short, and longer than a tiny model reads."""
    draw = random.Random(seed)
    return tuple(
        [" ".join(draw.choices(WORDS, k=draw.choice([0, 1, 3, 8, 30, 60]))) for _ in range(count)] for _ in range(2)
    )
