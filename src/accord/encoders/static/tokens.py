"""Texts to token numbers for a table: no special tokens, and, where asked for, no unknown ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from accord.core.errors import InputError
from accord.core.types import Ragged
from accord.encoders.base import Tokens, check_texts

__all__ = ["StaticTokens", "unknown_token"]

BLOCK = 4096


def unknown_token(tokenizer: Tokenizer) -> int | None:
    """The number that stands for what the vocabulary lacks; None where the tokenizer has no such token."""
    model: Any = tokenizer.model
    if hasattr(model, "unk_token"):
        return None if model.unk_token is None else tokenizer.token_to_id(model.unk_token)
    return json.loads(tokenizer.to_str())["model"].get("unk_id")


class StaticTokens:
    """A private copy of a tokenizer that gives plain token numbers.

    Args:
        tokenizer: it is not changed.
        max_length: tokens kept of a text; all of them when None.
        skip_unknown: leave unknown tokens out, after the cut.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int | None, *, skip_unknown: bool) -> None:
        self.max_length = max_length
        self.backend = Tokenizer.from_str(tokenizer.to_str())
        self.backend.no_padding()
        if max_length is None:
            self.backend.no_truncation()
        else:
            self.backend.enable_truncation(max_length)
        self.unknown = unknown_token(self.backend) if skip_unknown else None

    def __call__(self, texts: Sequence[str], *, prompt: str = "") -> Tokens:
        """Tokenise.

        Args:
            texts: any strings; a text may come out without a token.
            prompt: put before each text.

        Raises:
            InputError: something that is not text.
        """
        parts: list[np.ndarray] = []
        lengths = np.zeros(len(texts), dtype=np.int64)
        truncated = 0
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            check_texts(block, start)
            encodings = self._encode([prompt + text for text in block] if prompt else block, start)
            ids = [encoding.ids for encoding in encodings]
            if self.max_length is not None:
                truncated += sum(bool(encoding.overflowing) for encoding in encodings)
            lengths[start : start + len(block)] = [len(row) for row in ids]
            parts.append(np.fromiter(itertools.chain.from_iterable(ids), dtype=np.int32))
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        values = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
        if self.unknown is not None:
            known = values != self.unknown
            offsets = np.concatenate([[0], np.cumsum(known)])[offsets]
            values = values[known]
        return Tokens(Ragged(values, offsets.astype(np.int64)), truncated)

    def vocabulary(self) -> str:
        """The tokens in the order of their numbers, as JSON, and what happens to unknown ones."""
        entries = sorted(self.backend.get_vocab(with_added_tokens=True).items(), key=lambda item: (item[1], item[0]))
        return json.dumps([entries, {"skipped": self.unknown}], ensure_ascii=False)

    def _encode(self, texts: Sequence[str], start: int) -> list[Any]:
        try:
            return self.backend.encode_batch_fast(texts, add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):
            for number, text in enumerate(texts):
                try:
                    text.encode()
                except UnicodeEncodeError as error:
                    raise InputError(f"Text {start + number} is not valid Unicode: {error.reason}.") from error
            raise
