"""What an index is made of: a file of texts, or a folder of shards that have their vectors already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from accord.core.errors import InputError
from accord.core.progress import Advance, Progress, within
from accord.data.sources import File
from accord.encoders import StaticEncoder, TextEncoder
from accord.recipes.chunk_texts import chunked, read_chunking
from accord.recipes.corpus_rows import check_unique, corpus_rows, records_of, text_of
from accord.recipes.shards import open_shards

__all__ = ["Corpus", "EmbeddedCorpus", "Model", "Part", "TextCorpus"]

Model = TextEncoder | StaticEncoder
SEED = 0


@dataclass(frozen=True)
class Part:
    """Some rows of a corpus.

    Args:
        records: of the rows.
        vectors: gives those of the rows with these numbers, and tells how far it is.
    """

    records: Sequence[dict[str, Any]]
    vectors: Callable[[Sequence[int], Advance], np.ndarray]


class Corpus(Protocol):
    """Rows with vectors.

    Attributes:
        texts: rows of the file that have a text or a title.
        left_out: rows that have neither.
        prompt: the name of the prompt that documents are encoded with; the model's own where None.
        chunk: how texts were cut, or None.
        chunks: how many chunks each text has; empty where none was cut, and whole only after the last part.
    """

    texts: int
    left_out: int
    prompt: str | None
    chunk: str | None
    chunks: Mapping[str, int]

    def __len__(self) -> int:
        """Rows to index: texts, or their chunks."""
        ...

    def parts(self, rows: int) -> Iterator[Part]:
        """All rows in order, at most so many at once."""
        ...

    def sample(self, rows: int, progress: Progress) -> np.ndarray:
        """Vectors of at most so many rows, drawn evenly."""
        ...


class TextCorpus:
    """A file of texts; vectors of the sample that a codec was fitted on are kept and not encoded again.

    Args:
        source: JSONL(.gz), CSV, TSV or Parquet.
        encoder: of the texts.
        column: of the texts.
        chunk: "sentences:5" or "tokens:256".
        prompt: name of one of the model's prompts.
        precision: "float32", "bfloat16" or "auto".

    Raises:
        InputError: an unknown column or prompt, an id that is there twice, or no text at all.
    """

    def __init__(
        self, source: Path, encoder: Model, *, column: str, chunk: str | None, prompt: str | None, precision: str
    ) -> None:
        table, self.left_out = corpus_rows(File(str(source)).load(), source, column)
        check_unique(table["id"], source)
        if not table.num_rows:
            raise InputError(f"{source} has no row with a text in `{column}`.")
        encoder.role_prompt("document", prompt)  # refuses an unknown name before anything is written
        chunking = read_chunking(chunk)
        self.texts = table.num_rows
        self.chunks: Mapping[str, int] = {}
        if chunking is not None:
            table, self.chunks = chunked(table, chunking, encoder)
        self.chunk = None if chunking is None else str(chunking)
        self.prompt = prompt
        self._precision = precision
        self._encoder = encoder
        self._table = table
        self._held: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return self._table.num_rows

    def parts(self, rows: int) -> Iterator[Part]:
        """See :class:`Corpus`."""
        for first in range(0, len(self), rows):
            records = records_of(self._table.slice(first, rows))
            yield Part(records, partial(self._vectors, first, records))

    def sample(self, rows: int, progress: Progress) -> np.ndarray:
        """See :class:`Corpus`."""
        drawn = np.sort(np.random.default_rng(SEED).choice(len(self), min(len(self), rows), replace=False))
        vectors = self._encode(records_of(self._table.take(pa.array(drawn))), progress)
        self._held = dict(zip(drawn.tolist(), vectors))
        return vectors

    def _vectors(
        self, first: int, records: Sequence[Mapping[str, Any]], rows: Sequence[int], advance: Advance
    ) -> np.ndarray:
        new = [row for row in rows if first + row not in self._held]
        advance(len(rows) - len(new))
        encoded = iter(self._encode([records[row] for row in new], within(advance)) if new else ())
        held = self._held
        return np.stack([held[first + row] if first + row in held else next(encoded) for row in rows])

    def _encode(self, records: Sequence[Mapping[str, Any]], progress: Progress) -> np.ndarray:
        return self._encoder.encode_document(
            [text_of(record) for record in records],
            prompt_name=self.prompt,
            precision=self._precision,
            progress=progress,
        )


class EmbeddedCorpus:
    """A folder that `accord embed` made; one shard at a time is in memory.

    Args:
        folder: of the shards.
        encoder: the model that embedded them.
        chunk: if given, has to be how they were cut.
        prompt: if given, has to be what they were encoded with.

    Raises:
        InputError: shards of another model, chunking or prompt, or some that have still to be embedded.
    """

    def __init__(self, folder: Path, encoder: Model, *, chunk: str | None, prompt: str | None) -> None:
        self._shards = open_shards(folder)
        plan = self._shards.plan
        if plan.model["fingerprint"] != encoder.fingerprint():
            raise InputError(
                f"The vectors in {folder} are those of another model ({plan.model.get('path') or plan.model['name']}; "
                "its hash differs). Name that one, or embed again with this one."
            )
        self.prompt = plan.model["document_prompt"]
        self.chunk = plan.chunk
        chunking = read_chunking(chunk)
        for name, asked, held in (
            ("chunk", None if chunking is None else str(chunking), self.chunk),
            ("prompt", prompt, self.prompt),
        ):
            if asked is not None and asked != held:
                raise InputError(
                    f"{folder} was embedded with {name} {held!r}, not {asked!r}. Embed again, or leave it out."
                )

        self.texts = plan.texts
        self.left_out = plan.left_out
        self._counts: dict[str, int] = {}
        self.chunks: Mapping[str, int] = self._counts

    def __len__(self) -> int:
        return self._shards.plan.rows

    def parts(self, rows: int) -> Iterator[Part]:
        """See :class:`Corpus`."""
        for table, vectors in self._shards:
            for first in range(0, table.num_rows, rows):
                records = records_of(table.slice(first, rows))
                if self.chunk is not None:
                    self._count(records)
                yield Part(records, partial(_those, vectors[first : first + rows]))

    def sample(self, rows: int, progress: Progress) -> np.ndarray:
        """See :class:`Corpus`."""
        del progress  # reading takes a moment
        drawn = np.random.default_rng(SEED).choice(len(self), min(len(self), rows), replace=False)
        return self._shards.take(drawn)[1]

    def _count(self, records: Sequence[Mapping[str, Any]]) -> None:
        for record in records:
            self._counts[record["parent"]] = max(self._counts.get(record["parent"], 0), record["chunk"] + 1)


def _those(vectors: np.ndarray, rows: Sequence[int], advance: Advance) -> np.ndarray:
    advance(len(rows))
    return vectors[list(rows)]
