"""Long texts as chunks: some sentences, or some tokens of the model, each with the place that it was cut from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from accord.core.errors import InputError
from accord.data.synthesis.sentences import sentences

__all__ = ["KINDS", "PLACES", "Chunking", "chunked", "read_chunking"]

KINDS = ("sentences", "tokens")
PLACES = ("parent", "chunk", "start", "end")
"""Metadata of a chunk: the id of its text, its number from 0, and the characters of the text that it holds."""


@dataclass(frozen=True)
class Chunking:
    """How texts are cut.

    Args:
        kind: "sentences" or "tokens".
        size: how many of them a chunk has, at most.
    """

    kind: str
    size: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.size}"


def read_chunking(words: str | None) -> Chunking | None:
    """What `--chunk` says.

    Args:
        words: "sentences:5", "tokens:256" or "none".

    Raises:
        InputError: anything else.

    >>> str(read_chunking("sentences:5")), read_chunking("none")
    ('sentences:5', None)
    """
    if words is None or words == "none":
        return None
    kind, _, size = str(words).partition(":")
    if kind not in KINDS or not size.isascii() or not size.isdigit() or int(size) < 1:
        raise InputError(f"`chunk` must be sentences:NUMBER, tokens:NUMBER or none. Got {words!r}.")
    return Chunking(kind, int(size))


def chunked(table: pa.Table, chunking: Chunking, encoder: Any) -> tuple[pa.Table, dict[str, int]]:
    """A row for each chunk of each text.

    Args:
        table: `id`, `text` and further columns, which each chunk keeps.
        chunking: how to cut.
        encoder: whose tokens are counted.

    Returns:
        The same columns and those of `PLACES`, and how many chunks each text has. The id of a chunk is that of its
        text, "#" and its number.

    Raises:
        InputError: a column has the name of one of `PLACES`, or a chunk has more tokens than the model reads.
    """
    if clash := [name for name in PLACES if name in table.column_names]:
        raise InputError(
            f"The file has a column `{clash[0]}`, which is where a chunk says what it was cut from. Rename it, or "
            "index without `chunk`."
        )
    texts, names = table["text"].to_pylist(), table["id"].to_pylist()
    cut = _Cutter(encoder, chunking.size) if chunking.kind == "tokens" else None
    owners: list[int] = []
    places: list[tuple[str, str, int, int, int]] = []
    counts: dict[str, int] = {}
    for row, (name, text) in enumerate(zip(names, texts)):
        spans = _sentences(text, chunking.size) if cut is None else cut(text)
        counts[name] = len(spans)
        owners += [row] * len(spans)
        places += [(text[first:last], name, n, first, last) for n, (first, last) in enumerate(spans)]
    whole = table.take(pa.array(owners, pa.int64()))
    pieces, parents, numbers, firsts, lasts = zip(*places)
    ids = [f"{parent}#{number}" for parent, number in zip(parents, numbers)]
    whole = whole.set_column(whole.column_names.index("id"), "id", pa.array(ids, pa.string()))
    whole = whole.set_column(whole.column_names.index("text"), "text", pa.array(pieces, pa.string()))
    for column, values in zip(PLACES, (parents, numbers, firsts, lasts)):
        whole = whole.append_column(column, pa.array(values))
    return whole, counts


def _sentences(text: str, size: int) -> list[tuple[int, int]]:
    places, at = [], 0
    for sentence in sentences(text):
        first = text.index(sentence, at)
        at = first + len(sentence)
        places.append((first, at))
    return [(places[n][0], places[min(n + size, len(places)) - 1][1]) for n in range(0, len(places), size)]


class _Cutter:
    """Cuts a text at words, so that each piece has at most some tokens of a model."""

    def __init__(self, encoder: Any, size: int) -> None:
        from tokenizers import Tokenizer

        backend = getattr(encoder.tokenizer, "backend_tokenizer", encoder.tokenizer)
        self.tokenizer = Tokenizer.from_str(backend.to_str())
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.size = size
        most = encoder.max_length
        if most is not None and size > (room := most - self.tokenizer.num_special_tokens_to_add(False)):
            raise InputError(
                f"`chunk` asks for {size} tokens, and the model reads {room}. Choose tokens:{room} or fewer."
            )

    def __call__(self, text: str) -> list[tuple[int, int]]:
        """First and last character of each piece."""
        offsets = self.tokenizer.encode(text, add_special_tokens=False).offsets
        found = [_trimmed(text, offsets[a][0], offsets[b - 1][1]) for a, b in self._runs(text, offsets)]
        return [(first, last) for first, last in found if first < last] or [_trimmed(text, 0, len(text))]

    def _runs(self, text: str, offsets: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        start = 0
        while start < len(offsets):
            end = min(start + self.size, len(offsets))
            if end < len(offsets):
                back = (n for n in range(end, start + self.size // 2, -1) if _begins_word(text, offsets[n][0]))
                end = next(back, end)
            yield start, end
            start = end


def _begins_word(text: str, place: int) -> bool:
    return place == 0 or text[place : place + 1].isspace() or text[place - 1].isspace()


def _trimmed(text: str, first: int, last: int) -> tuple[int, int]:
    piece = text[first:last]
    return first + len(piece) - len(piece.lstrip()), last - len(piece) + len(piece.rstrip())
