"""A model as it would be served: cut, its documents held by a codec, searched as a store searches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

import accord.compression.codecs as codec_room
import accord.retrieval.dense as dense_room
from accord.compression.codecs import FittedCodec
from accord.compression.codecs.base import codec_of
from accord.core.errors import InputError, MissingExtra
from accord.core.progress import Progress
from accord.core.storage import hash_file, hash_folder, hash_json
from accord.evaluation import Reranking, Retrieval
from accord.evaluation.encoding import similarity_kind
from accord.maths.nearest import nearest, unit_rows
from accord.recipes.budget.sizes import Configuration
from accord.recipes.budget.vectors import Vectors
from accord.retrieval import rescoring
from accord.retrieval.dense.codes import code_search
from accord.retrieval.rescoring import candidates, rescored_search

__all__ = ["Codecs", "Reader", "Unfitted", "reader_of"]

NOTHING = np.empty(0, dtype=np.int64)


class Unfitted(InputError):
    """A codec that cannot be fitted on these texts."""


class Codecs:
    """Codecs, fitted once for all tasks on the same texts.

    Args:
        vectors: of each backend.
        texts: documents of train parts, with the names of their prompts.
        seed: of what fitting draws.
    """

    def __init__(
        self, vectors: dict[str, Vectors], texts: Sequence[tuple[str | None, Sequence[str]]], *, seed: int
    ) -> None:
        self.vectors = vectors
        self.texts = texts
        self.seed = seed
        self.identity = hash_json([[list(some) for _, some in texts], seed, _code()])
        self._fitted: dict[str, FittedCodec] = {}

    def fitted(self, config: Configuration) -> FittedCodec:
        """The codec of a configuration."""
        key = hash_json(config.as_json() | {"rescore": False})
        if key not in self._fitted:
            kind = similarity_kind(self.vectors[config.backend].encoder)
            sample = self.sample(config)
            made = codec_of(dict(config.spec), config.codec)
            try:
                self._fitted[key] = made.fit(sample, similarity=kind, seed=self.seed)
            except (InputError, MissingExtra) as error:
                raise Unfitted(str(error)) from error
        return self._fitted[key]

    def sample(self, config: Configuration) -> np.ndarray:
        """Vectors of the texts as a configuration has them before any codec, those of zeros left out."""
        vectors = self.vectors[config.backend]
        rows = [vectors.rows(some, "document", name, config.view) for name, some in self.texts if len(some)]
        found = np.concatenate(rows)
        return found[np.any(found != 0, axis=1)]


class Reader:
    """What a task sees of a configuration.

    In tasks with queries and documents, queries stay floats and documents are codes; searches are a store's own. In
    others every text is a code.

    Args:
        config: the configuration.
        vectors: of its backend.
        codecs: fitted.
        roles: whether the task tells queries from documents.
    """

    def __init__(self, config: Configuration, vectors: Vectors, codecs: Codecs, *, roles: bool) -> None:
        self.config = config
        self.vectors = vectors
        self.codecs = codecs
        self.roles = roles
        self.prompts: dict[str, str] = vectors.encoder.prompts
        self.kind = similarity_kind(vectors.encoder)

    @cached_property
    def codec(self) -> FittedCodec | None:
        """What holds the documents; None for float32 vectors."""
        return self.codecs.fitted(self.config) if self.config.spec else None

    @property
    def similarity_name(self) -> str:
        """Scores of codes are dot products with what they stand for, whose lengths count."""
        return "dot" if self.roles and self.config.spec else self.kind

    def fingerprint(self) -> str:
        """Over all that decides what a task sees."""
        fitted = self.codecs.identity if self.config.spec else ""
        parts = [self.vectors.fingerprint, self.config.as_json(), fitted, self.roles]
        return hash_json(parts)

    def encode_query(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for queries, (n, dim) float32."""
        del progress
        rows = self.vectors.rows(texts, "query", prompt_name, self.config.view)
        if not self.roles:
            return self._stored(rows)
        return unit_rows(rows) if self.config.spec and self.kind == "cosine" else rows

    def encode_document(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for documents as they are stored, (n, dim) float32."""
        del progress
        return self._stored(self.vectors.rows(texts, "document", prompt_name, self.config.view))

    def encode(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for texts in no role as they are stored, (n, dim) float32."""
        del progress
        return self._stored(self.vectors.rows(texts, "text", prompt_name, self.config.view))

    def rank_texts(
        self,
        queries: Sequence[str],
        documents: Sequence[str],
        k: int,
        *,
        order: np.ndarray,
        leave_out: np.ndarray | None = None,
        prompts: tuple[str | None, str | None] = (None, None),
    ) -> np.ndarray:
        """The k best documents of each query, as a store of this codec finds them."""
        asked = self.vectors.rows(queries, "query", prompts[0], self.config.view)
        rows = self.vectors.rows(documents, "document", prompts[1], self.config.view)
        codec = self.codec
        real = np.flatnonzero(np.any(rows != 0, axis=1))  # a text without a known token has no direction
        if codec is None or not len(real):
            return nearest(asked, rows, k, order=order, leave_out=leave_out, kind=self.kind)[0]
        asked = unit_rows(asked) if self.kind == "cosine" else asked
        wanted = min(k if leave_out is None else k + 1, len(real))
        found = self._searched(codec, asked, rows[real], wanted, order[real])
        ranking = np.where(found >= 0, real[found], -1)
        if leave_out is not None:
            gone = ranking == leave_out[:, None]
            first = np.argsort(gone, axis=1, kind="stable")
            ranking = np.take_along_axis(np.where(gone, -1, ranking), first, axis=1)
        return ranking[:, :k]

    def _searched(
        self, codec: FittedCodec, asked: np.ndarray, rows: np.ndarray, k: int, order: np.ndarray
    ) -> np.ndarray:
        codes = codec.encode(rows)

        def prefer(positions: np.ndarray) -> np.ndarray:
            return -order[positions]

        if not self.config.rescore:
            return code_search(asked, [codes], k, scores=codec.scores, prefer=prefer)[0]
        stored = (unit_rows(rows) if self.kind == "cosine" else rows).astype(np.float16)
        count = max(k, candidates(k, True, stored=True))
        return rescored_search(asked, [codes], [stored], k, codec=codec, count=count, skip=NOTHING, prefer=prefer)[0]

    def _stored(self, rows: np.ndarray) -> np.ndarray:
        """What the codes of some vectors stand for; zeros stay zeros."""
        codec = self.codec
        if codec is None:
            return rows
        found = np.zeros_like(rows)
        real = np.any(rows != 0, axis=1)
        found[real] = codec.decode(codec.encode(rows[real]))
        return found


def reader_of(config: Configuration, evaluation: Any, vectors: dict[str, Vectors], codecs: Codecs) -> Reader:
    """What an evaluation sees of a configuration; with rescoring, tasks that do not search read the float16 vectors."""
    if config.rescore and not isinstance(evaluation, Retrieval):
        config = Configuration(config.view, config.size, config.backend, "Float16", {"Float16": {}})
    roles = isinstance(evaluation, (Retrieval, Reranking))
    return Reader(config, vectors[config.backend], codecs, roles=roles)


@cache
def _code() -> str:
    """Hash of the code of codecs and of their search."""
    rooms = [Path(str(room.__file__)).parent for room in (codec_room, dense_room)]
    files = [hash_folder(room, lambda path: path.suffix == ".py") for room in rooms]
    return hash_json([*files, hash_file(str(rescoring.__file__))])
