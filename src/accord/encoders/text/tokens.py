"""Texts to ids, once: the fast tokenizer in blocks, ids kept as long as they are."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from accord.core.errors import InputError, ModelError
from accord.core.types import Ragged
from accord.encoders.base import Tokens, check_texts

__all__ = ["TextTokens", "choose_padding"]

logger = logging.getLogger(__name__)

BLOCK = 4096


def choose_padding(tokenizer: Any) -> None:
    """Have a tokenizer without a padding token pad with its end of text, as is usual for decoders; in place.

    Which token fills the room does not matter, as the mask leaves it out, but other programs refuse to pad without one.
    """
    if tokenizer.pad_token is None and tokenizer.eos_token is not None:
        logger.warning("the tokenizer names no padding token: its end of text %r is used", str(tokenizer.eos_token))
        tokenizer.pad_token = tokenizer.eos_token


class TextTokens:
    """A private copy of a tokenizer, without padding, that cuts at the maximum length.

    Args:
        tokenizer: a transformers tokenizer with a fast backend; it is not changed.
        max_length: tokens kept of a text, special tokens included.

    Raises:
        ModelError: the tokenizer has no fast backend.
    """

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.max_length = max_length
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ModelError(
                f"{type(tokenizer).__name__} has no fast backend. The model folder needs a `tokenizer.json`."
            )
        self.backend = Tokenizer.from_str(backend.to_str())
        self.backend.no_padding()
        self.backend.enable_truncation(max_length, direction=getattr(tokenizer, "truncation_side", "right"))
        self.special = frozenset(tokenizer.all_special_ids)
        self.filler = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        self._prompts: dict[str, int] = {}

    def __call__(self, texts: Sequence[str], *, prompt: str = "") -> Tokens:
        """Tokenise.

        Args:
            texts: any strings, empty ones included: an empty text is what the special tokens alone make.
            prompt: put before each text.

        Raises:
            InputError: something that is not text, or a prompt that leaves no room.
        """
        values: list[np.ndarray] = []
        truncated = empty = 0
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            check_texts(block, start)
            empty += sum(not text for text in block)
            for encoding in self._encode([prompt + text for text in block] if prompt else block, start):
                ids = encoding.ids or [self.filler]
                truncated += bool(encoding.overflowing)
                values.append(np.array(ids, dtype=np.int32))
        offsets = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, values), dtype=np.int64, count=len(values)), out=offsets[1:])
        flat = np.concatenate(values) if values else np.zeros(0, dtype=np.int32)
        return Tokens(Ragged(flat, offsets), truncated, self.prompt_tokens(prompt), empty)

    def prompt_tokens(self, prompt: str) -> int:
        """How many tokens a prompt puts before a text, an opening special token included.

        Raises:
            InputError: it leaves no room for a text.
        """
        if not prompt:
            return 0
        if prompt not in self._prompts:
            ids = self.backend.encode(prompt).ids
            count = len(ids) - (bool(ids) and ids[-1] in self.special)
            if count >= self.max_length - 1:
                raise InputError(
                    f"The prompt {prompt!r} takes {count} of `max_length` = {self.max_length} tokens: no room is left."
                )
            self._prompts[prompt] = count
        return self._prompts[prompt]

    def vocabulary(self) -> str:
        """The tokens in the order of their ids, as JSON: what ids mean."""
        entries = sorted(self.backend.get_vocab(with_added_tokens=True).items(), key=lambda item: (item[1], item[0]))
        return json.dumps(entries, ensure_ascii=False)

    def _encode(self, texts: Sequence[str], start: int) -> list[Any]:
        try:
            return self.backend.encode_batch_fast(texts)
        except (TypeError, UnicodeEncodeError):
            for number, text in enumerate(texts):
                try:
                    text.encode()
                except UnicodeEncodeError as error:
                    raise InputError(f"Text {start + number} is not valid Unicode: {error.reason}.") from error
            raise
