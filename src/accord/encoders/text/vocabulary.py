"""Whether a tokenizer is the one that a backbone was trained with, as far as numbers can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from accord.core.errors import ModelError
from accord.encoders.integrity import read_object
from accord.encoders.text.layers import OFFSET_POSITIONS

__all__ = ["check_vocabulary"]

SPECIAL = ("bos_token", "cls_token", "eos_token", "mask_token", "pad_token", "sep_token", "unk_token")
CURE = "Put the model's own tokenizer files in their place."


def check_vocabulary(folder: Path, tokenizer: Any, backbone: Any) -> None:
    """Refuse a tokenizer that cannot belong to this backbone.

    Args:
        folder: where both come from, for messages.
        tokenizer: as transformers read it.
        backbone: the model.

    Raises:
        ModelError: ids beyond the token table, a vocabulary of less than half its size, special tokens that the
            tokenizer names and does not hold, or whose ids are others than in the model's configuration.
    """
    rows = int(backbone.get_input_embeddings().num_embeddings)
    vocabulary = _vocabulary(folder, tokenizer)
    largest, count = max([*vocabulary.values(), *tokenizer.backend_tokenizer.encode("a").ids]), len(vocabulary)
    if largest >= rows:
        raise ModelError(
            f"{folder}: the tokenizer has ids up to {largest}, but the model's token table has {rows} rows: the "
            f"tokenizer belongs to another model. {CURE}"
        )
    if 2 * count < rows:
        raise ModelError(
            f"{folder}: the tokenizer has {count} tokens, but the model's token table has {rows} rows: the tokenizer "
            f"belongs to another model. {CURE}"
        )
    _check_ids(folder, tokenizer, backbone.config)


def _vocabulary(folder: Path, tokenizer: Any) -> dict[str, int]:
    """Tokens and ids, less those that the tokenizer's class names on its own and no file of the model knows.

    Raises:
        ModelError: the files name a special token that is none of the tokens.
    """
    whole = tokenizer.get_vocab()
    path = folder / "tokenizer.json"
    if not path.is_file():
        return whole
    held = Tokenizer.from_file(str(path)).get_vocab(with_added_tokens=True)
    named = _named_tokens(folder)
    missing = [f"{name} {token!r}" for name, token in named.items() if token not in held]
    if missing:
        raise ModelError(
            f"{path} holds {len(held)} tokens, but not the {', '.join(missing)} that the files beside it name. {CURE}"
        )
    invented = set(tokenizer.all_special_tokens) - set(held)
    return {token: number for token, number in whole.items() if token not in invented}


def _named_tokens(folder: Path) -> dict[str, str]:
    found = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        config = read_object(folder / name) if (folder / name).is_file() else {}
        for key in SPECIAL:
            value = config.get(key)
            token = value.get("content") if isinstance(value, dict) else value
            if isinstance(token, str) and token:
                found[key] = token
    return found


def _check_ids(folder: Path, tokenizer: Any, config: Any) -> None:
    """Encoders declare where their special tokens stand; decoders often declare other ones than they are used with."""
    names = ["cls", "sep", *(["pad"] if config.model_type in OFFSET_POSITIONS else [])]
    for name in names:
        wanted, found = getattr(config, f"{name}_token_id", None), getattr(tokenizer, f"{name}_token_id", None)
        if isinstance(wanted, int) and found is not None and wanted != found:
            raise ModelError(
                f"{folder}: the model's {name}_token_id is {wanted}, the tokenizer's is {found}: the tokenizer belongs "
                f"to another model. {CURE}"
            )
