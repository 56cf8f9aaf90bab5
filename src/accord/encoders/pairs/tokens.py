"""Pairs of texts to ids: each text is tokenised once, pairs are cut and put together from the parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer

from accord.core.errors import InputError, ModelError
from accord.core.types import Ragged
from accord.encoders.base import Batch, check_texts
from accord.encoders.probes import PROBES

__all__ = ["PairTokens", "Texts", "shared_lengths"]

BLOCK = 4096


@dataclass(frozen=True)
class Texts:
    """Texts as ids, without special tokens.

    Args:
        ids: cut to what a pair can hold at most.
        lengths: (texts,) tokens before the cut.
    """

    ids: Ragged
    lengths: np.ndarray


def shared_lengths(left: np.ndarray, right: np.ndarray, room: int) -> tuple[np.ndarray, np.ndarray]:
    """How many tokens of each side stay when both together have `room`: the longer side gives way first.

    A side of at most half the room is never cut; where both are longer, they share the room, the longer of the two
    taking the odd token.

    Args:
        left: (n,) tokens of the left sides.
        right: (n,) tokens of the right sides.
        room: tokens for both.

    Returns:
        (n,) tokens of each side, together at most `room`.

    >>> shared_lengths(np.array([9, 9, 2, 3]), np.array([8, 2, 9, 3]), 7)
    (array([4, 5, 2, 3]), array([3, 2, 5, 3]))
    """
    small, large = np.minimum(left, right), np.maximum(left, right)
    fits = small + large <= room
    halves = ~fits & (small > room // 2)
    small = np.where(halves, room // 2, small)
    large = np.where(fits, large, room - small)
    swapped = left > right
    return np.where(swapped, large, small), np.where(swapped, small, large)


class PairTokens:
    """A private copy of a tokenizer that puts two texts into one sequence, as its own post-processor would.

    Args:
        tokenizer: a transformers tokenizer with a fast backend; it is not changed.
        max_length: tokens kept of a pair, special tokens included.
        with_types: whether the model reads which side a token is of.

    Raises:
        ModelError: the tokenizer has no fast backend, or puts pairs together in a way that depends on the texts.
        InputError: a maximum length that leaves no room for two texts.
    """

    def __init__(self, tokenizer: Any, max_length: int, *, with_types: bool) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ModelError(
                f"{type(tokenizer).__name__} has no fast backend. The model folder needs a `tokenizer.json`."
            )
        self.max_length = max_length
        self.with_types = with_types
        self.backend = Tokenizer.from_str(backend.to_str())
        self.backend.no_padding()
        self.backend.no_truncation()
        self.filler = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        self.keep_end = getattr(tokenizer, "truncation_side", "right") == "left"
        self._read_template()
        if self.room < 2:
            raise InputError(f"`max_length` = {max_length} leaves no room for two texts beside the special tokens.")

    @property
    def room(self) -> int:
        """Tokens of a pair that are not special."""
        return self.max_length - sum(len(ids) for ids in self.special)

    def _read_template(self) -> None:
        """Learn from an example which special tokens stand before, between and after the texts, and their types."""
        example = self.backend.encode("a", "b")
        sides = np.array([-1 if side is None else side for side in example.sequence_ids])
        first, second = np.flatnonzero(sides == 0), np.flatnonzero(sides == 1)
        if not len(first) or not len(second) or first[-1] > second[0]:
            raise ModelError("The tokenizer cannot put two texts into one sequence.")
        parts = (slice(0, first[0]), slice(first[-1] + 1, second[0]), slice(second[-1] + 1, len(sides)))
        ids, types = np.array(example.ids, dtype=np.int32), np.array(example.type_ids, dtype=np.int32)
        self.special = [ids[part] for part in parts]
        self.special_types = [types[part] for part in parts]
        self.side_types = (int(types[first[0]]), int(types[second[0]]))
        for left, right in ((PROBES[2], PROBES[6]), (PROBES[10], PROBES[0]), (PROBES[0], PROBES[1])):
            texts = self._texts(self.backend.encode_batch_fast([left, right], add_special_tokens=False), 1 << 30)
            if self._join(texts.ids[0], texts.ids[1]).tolist() != self.backend.encode(left, right).ids:
                raise ModelError("The tokenizer puts pairs together in a way that accord does not know.")

    def texts(self, texts: Sequence[str], start: int = 0) -> Texts:
        """Tokenise texts, each alone.

        Args:
            texts: any strings, empty ones included.
            start: position of the first one, for messages.

        Raises:
            InputError: something that is not text.
        """
        encodings: list[Encoding] = []
        for offset in range(0, len(texts), BLOCK):
            block = list(texts[offset : offset + BLOCK])
            check_texts(block, start + offset)
            try:
                encodings += self.backend.encode_batch_fast(block, add_special_tokens=False)
            except (TypeError, UnicodeEncodeError) as error:
                for number, text in enumerate(block, start + offset):
                    check_unicode(text, number)
                raise InputError(f"The texts could not be tokenised: {error}.") from error
        return self._texts(encodings)

    def _texts(self, encodings: Sequence[Encoding], room: int | None = None) -> Texts:
        room = self.room if room is None else room
        lengths = np.fromiter(map(len, encodings), dtype=np.int64, count=len(encodings))
        return Texts(Ragged.of([self._cut(e.ids, min(len(e), room)) for e in encodings]), lengths)

    def lengths(self, texts: Texts, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tokens of pairs of texts, special tokens included, and whether something was cut.

        Args:
            texts: of both sides.
            left: (n,) row of each pair's left text.
            right: (n,) row of each pair's right text.
        """
        both = texts.lengths[left] + texts.lengths[right]
        return np.minimum(both, self.room) + (self.max_length - self.room), both > self.room

    def collate(self, texts: Texts, left: np.ndarray, right: np.ndarray) -> Batch:
        """Pairs as one batch, padded on the right to the longest of them."""
        a, b = shared_lengths(texts.lengths[left], texts.lengths[right], self.room)
        rows = [
            self._join(self._cut(texts.ids[i], m), self._cut(texts.ids[j], n))
            for i, j, m, n in zip(left.tolist(), right.tolist(), a.tolist(), b.tolist())
        ]
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        real = np.arange(int(lengths.max(initial=1)))[None, :] < lengths[:, None]
        padded = np.full(real.shape, self.filler, dtype=np.int64)
        padded[real] = np.concatenate(rows)
        types = None
        if self.with_types:
            kinds = np.zeros(real.shape, dtype=np.int64)
            kinds[real] = np.concatenate([self._types(m, n) for m, n in zip(a.tolist(), b.tolist())])
            types = torch.from_numpy(kinds)
        return Batch(torch.from_numpy(padded), torch.from_numpy(real.astype(np.int64)), token_type_ids=types)

    def vocabulary(self) -> str:
        """The tokens in the order of their ids, as JSON: what ids mean."""
        entries = sorted(self.backend.get_vocab(with_added_tokens=True).items(), key=lambda item: (item[1], item[0]))
        return json.dumps(entries, ensure_ascii=False)

    def _cut(self, ids: Any, length: int) -> Any:
        return ids[len(ids) - length :] if self.keep_end else ids[:length]

    def _join(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        before, between, after = self.special
        return np.concatenate([before, left, between, right, after])

    def _types(self, left: int, right: int) -> np.ndarray:
        before, between, after = self.special_types
        a, b = self.side_types
        return np.concatenate([before, np.full(left, a), between, np.full(right, b), after])


def check_unicode(text: str, number: int) -> None:
    """Refuse a string with lone surrogates.

    Raises:
        InputError: naming its position.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"Text {number} is not valid Unicode: {error.reason}.") from error
