"""Tiny text encoders made on the spot: random BERTs with a small WordPiece vocabulary; backbones of other families."""

from __future__ import annotations

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, BertConfig, BertModel, PreTrainedTokenizerFast

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


def byte_tokenizer(special: dict[str, str], *, prefix: str = "", suffix: str = "", side: str = "right", **options):
    """Byte-level BPE without merges: a token a byte. `special` maps `pad`, `cls`, ... to tokens in the order of ids."""
    held = dict.fromkeys(special.values())
    vocabulary = {token: number for number, token in enumerate([*held, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    backend = Tokenizer(models.BPE(vocabulary, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    around = [(token, vocabulary[token]) for token in dict.fromkeys((prefix, suffix)) if token]
    if around:
        one, two = ([token for token in (prefix, text, suffix) if token] for text in ("$A", "$B"))
        backend.post_processor = processors.TemplateProcessing(single=one, pair=one + two, special_tokens=around)
    names = {f"{name}_token": token for name, token in special.items()}
    inputs = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, padding_side=side, model_max_length=64, model_input_names=inputs, **names, **options
    )


ROBERTA = {"bos": "<s>", "cls": "<s>", "pad": "<pad>", "eos": "</s>", "sep": "</s>", "unk": "<unk>"}
BERT = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]"}
QWEN = {"eos": "<|endoftext|>", "pad": "<|endoftext|>"}
LLAMA = {"unk": "<unk>", "bos": "<s>", "eos": "</s>"}
GEMMA = {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>"}

WIDE = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
GROUPED = {**WIDE, "num_key_value_heads": 2}
OFFSET = {**WIDE, "max_position_embeddings": 66}
IDS = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
ENDS = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
NARROW = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}

ENCODERS = {
    "mpnet": OFFSET,
    "roberta": OFFSET,
    "xlm-roberta": OFFSET,
    "distilbert": {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 64},
    "modernbert": {**WIDE, **IDS, "local_attention": 8, "max_position_embeddings": 64},
}
DECODERS = {
    "qwen2": {**GROUPED, **ENDS},
    "qwen3": {**GROUPED, **ENDS, "head_dim": 8},
    "llama": GROUPED,
    "mistral": {**GROUPED, "head_dim": 8, "sliding_window": 8},
    "gemma": {**GROUPED, "head_dim": 8},
    "gemma2": {**GROUPED, **NARROW, "head_dim": 8, "query_pre_attn_scalar": 8},
    "gemma3_text": {**GROUPED, **NARROW, "head_dim": 8, "query_pre_attn_scalar": 8},
}
"""Families of backbones: what makes each of them tiny."""


def family_tokenizer(family: str):
    """The kind of tokenizer that a family comes with: its special tokens, and the side on which it pads."""
    if family in {"mpnet", "roberta", "xlm-roberta"}:
        return byte_tokenizer(ROBERTA, prefix="<s>", suffix="</s>")
    if family in {"distilbert", "modernbert"}:
        return byte_tokenizer(BERT, prefix="[CLS]", suffix="[SEP]")
    if family in {"qwen2", "qwen3"}:
        return byte_tokenizer(QWEN, suffix="<|endoftext|>", side="left")
    if family in {"llama", "mistral"}:
        return byte_tokenizer(LLAMA, prefix="<s>", side="left")
    return byte_tokenizer(GEMMA, prefix="<bos>", suffix="<eos>", side="left")


def family_backbone(family: str, *, seed: int = 0, **changes):
    """A random backbone of a family. The global generator is left as it was."""
    sizes = {"vocab_size": 264, "initializer_range": 0.3, **(ENCODERS | DECODERS)[family], **changes}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModel.from_config(AutoConfig.for_model(family, **sizes)).eval()


def family_folder(path: Path | str, family: str, **changes) -> Path:
    """A plain transformers folder, as the hub has them."""
    family_backbone(family, **changes).save_pretrained(path)
    family_tokenizer(family).save_pretrained(path)
    return Path(path)
