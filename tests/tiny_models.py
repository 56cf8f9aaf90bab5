"""Tiny text encoders made on the spot: random BERTs with a small WordPiece vocabulary."""

from __future__ import annotations

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from accord.encoders import TextEncoder
from accord.encoders.heads import Normalize
from accord.encoders.pooling import Mean

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (
    *("the", "a", "of", "and", "to", "in", "is", "for", "with", "that", "query", "document", "one", "two", "three"),
    *("four", "five", "six", "seven", "read", "write", "open", "close", "list", "file", "row", "name", "code", "text"),
    *("send", "load", "parse", "join", "split", "sort", "find", "make", "copy", "move", "return", "true", "false"),
)


def tiny_tokenizer(max_length: int = 64) -> PreTrainedTokenizerFast:
    """Lower-cased WordPiece over some words, all ASCII characters and their continuations."""
    marks = string.ascii_lowercase + string.digits
    tokens = [*SPECIAL, *WORDS, *string.punctuation, *(c for c in marks if c != "a"), *(f"##{c}" for c in marks)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pairs = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=pairs
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        **{f"{name}_token": token for name, token in names.items()},
    )


def tiny_encoder(
    *, seed=0, layers=3, hidden=32, pooling=None, heads=None, max_length=64, positions=64, dropout=0.1, **options
) -> TextEncoder:
    """A random encoder; `options` go to `TextEncoder`. The global generator is left as it was."""
    tokenizer = tiny_tokenizer(max_length)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=2 * hidden,
        max_position_embeddings=positions,
        initializer_range=0.3,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = BertModel(config)
    poolings = [Mean()] if pooling is None else list(pooling)
    chosen = [Normalize()] if heads is None else list(heads)
    return TextEncoder(backbone, tokenizer, poolings, chosen, max_length=max_length, **options).eval()


def tiny_encoder_folder(path: Path | str, **options) -> Path:
    """Save :func:`tiny_encoder` and give its folder."""
    tiny_encoder(**options).save(path)
    return Path(path)
