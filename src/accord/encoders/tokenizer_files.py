"""Write a tokenizer so that transformers 4.5x and 5 read it alike: every setting in words, none left to a class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["write_tokenizer"]


def write_tokenizer(
    tokenizer: Any, folder: Path, *, max_length: int, inputs: Sequence[str] = (), truncation_side: str = "right"
) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json`.

    Args:
        tokenizer: a transformers tokenizer with a fast backend; it is not changed.
        folder: an existing one.
        max_length: tokens kept, special tokens included.
        inputs: what the model is given of a text; as the tokenizer says when empty.
        truncation_side: which end of a text is cut off.
    """
    backend = type(tokenizer.backend_tokenizer).from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_padding()
    backend.no_truncation()
    (folder / "tokenizer.json").write_text(backend.to_str(pretty=False), encoding="utf-8")
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    _write_json(folder / "special_tokens_map.json", special)
    config = {
        **special,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "model_input_names": list(inputs or tokenizer.model_input_names),
        "padding_side": "right",
        "truncation_side": truncation_side,
        "clean_up_tokenization_spaces": False,
    }
    _write_json(folder / "tokenizer_config.json", config)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
