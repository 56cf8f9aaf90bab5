"""The store: documents, metadata and vectors in one folder that is the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.types import Encodes
from accord.retrieval.columns import column_codec
from accord.retrieval.creation import check_same, lay_out, read_codec
from accord.retrieval.documents import Document, Hit, read_records
from accord.retrieval.lexical.analysers import Analyser
from accord.retrieval.manifest import check_model
from accord.retrieval.questions import Questions
from accord.retrieval.rescoring import Rescore, candidates
from accord.retrieval.schema import DATABASE, empty_log
from accord.retrieval.searching import Mode, search
from accord.retrieval.snapshot import Snapshot, open_snapshot
from accord.retrieval.statistics import StoreStats, store_stats
from accord.retrieval.vectors import check_vectors
from accord.retrieval.writer import Writer, writing

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["Store", "open"]


def open(path: Path | str, *, model: Encodes | str | Path | None = None) -> Store:
    """Open a store at its newest commit.

    Args:
        path: its folder.
        model: answers text queries in place of the recorded model: an encoder, or what `encoders.load` takes. Loaded
            and checked against the record when a text is first searched.

    Raises:
        InputError: no store there, or one that a newer accord made.
        StorageError: damaged in a way that reading would not survive.
    """
    path = Path(path)
    if not (path / DATABASE).is_file():
        raise InputError(f"{path} is not a store (it has no {DATABASE}). Make one with Store.create or `accord index`.")
    return Store(path, model=model)


class Store:
    """Documents and their vectors, as of one commit.

    A store answers from the commit that it opened, whatever a writer does meanwhile; :meth:`refresh` moves on, and
    the end of its own :meth:`write` block does so by itself. It may be shared between threads, not between forked
    processes.

    Args:
        path: the folder.
        model: see :func:`open`.
    """

    def __init__(self, path: Path | str, *, model: Encodes | str | Path | None = None) -> None:
        self.path = Path(path)
        self.model = model
        self._snapshot: Snapshot | None = open_snapshot(self.path)
        self._codec: FittedCodec | None = None
        self._questions = Questions(self.path, self.record, model)

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        model: Mapping[str, Any],
        dim: int | None = None,
        codec: FittedCodec | Path | str | None = None,
        rescore: str = "float16",
        analyser: Analyser | None = None,
        exist_ok: bool = False,
    ) -> Self:
        """Make an empty store; its folder appears whole or not at all.

        Args:
            path: a folder that does not exist yet, or is empty.
            model: the record of the model: `dim` (or give it beside), `path` (relative to the store, or absolute) or
                `name`, `fingerprint`, `prompts`, `similarity` ("cosine", the default, or "dot"), and what else is worth
                keeping.
            dim: numbers in a vector.
            codec: fitted on vectors of this model, or the folder of one: searches then scan its codes, and the vectors
                only put the best in order. The store keeps a copy.
            rescore: with a codec, what is kept for that order: "float16", "float32", or "none" (codes alone, for
                answers as good as they are).
            analyser: how texts become terms for searches by words; words without accents when not given.
            exist_ok: open the store that is already there, if it is of the same model, codec and analyser.

        Raises:
            InputError: the folder is taken, the record cannot be used, or the codec is of another model.
            StorageError: the disk refuses.
        """
        path, record = Path(path), check_model(model, dim)
        made = read_codec(codec, record, rescore)
        if (path / DATABASE).is_file():
            if not exist_ok:
                raise InputError(f"{path} already holds a store. Open it, or pass exist_ok=True.")
            check_same(path, record, made, rescore, analyser)
            return cls(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists and is not a store. Choose another folder.")
        source = Path(codec) if isinstance(codec, (str, Path)) else None
        lay_out(path, record, made, rescore, analyser=analyser or Analyser(), source=source)
        return cls(path)

    @property
    def record(self) -> Mapping[str, Any]:
        """The record of the model that made the vectors."""
        return self._current().manifest.model

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._current().manifest.dim

    @property
    def codec(self) -> FittedCodec | None:
        """What made the codes that searches scan; None where they scan the vectors.

        Raises:
            StorageError: a file of it was changed.
        """
        column = self._current().manifest.scanned
        if column.codec is not None and self._codec is None:
            self._codec = column_codec(self.path, column)
        return self._codec

    @property
    def version(self) -> int:
        """The commit that answers come from; counts from 0."""
        return self._current().manifest.version

    def stats(self) -> StoreStats:
        """What the store takes, in memory and on the disk, as of the commit that answers come from."""
        return store_stats(self.path, self._current().manifest, len(self))

    def __len__(self) -> int:
        return len(self._current())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def get(self, name: str) -> Document | None:
        """The document with this id, or None.

        Raises:
            StorageError: it was changed on the disk.
        """
        return self._current().get(name)

    def ids(self) -> list[str]:
        """All ids, in the order of their vectors."""
        return self._current().ids()

    def vectors(self, names: Sequence[str] | None = None) -> np.ndarray:
        """The stored vectors of some documents, or of all.

        Args:
            names: ids, in any order; those of :meth:`ids` when not given.

        Returns:
            (ids, dim) float32, of unit length under cosine similarity.

        Raises:
            InputError: an id that is not there, or a store that keeps codes only.
        """
        return self._current().vectors_of(names)

    def holds(self, records: Iterable[Mapping[str, Any]]) -> list[bool]:
        """Whether each record is in the store just as it is: id, title, text and metadata.

        Args:
            records: as for :meth:`Writer.add`.

        Raises:
            InputError: a record that could not be added either.
        """
        return self._current().holds(read_records(records))

    def search(
        self,
        query: Any,
        k: int = 10,
        *,
        mode: Mode = "dense",
        prompt_name: str | None = None,
        rescore: Rescore = None,
        explain: bool = False,
    ) -> list[Hit]:
        """The documents that answer a query best, of all documents.

        Args:
            query: a text, or a vector (dim) for a dense search.
            k: how many at most; fewer come back only when the store holds fewer, or in a search by words fewer hold one
                of them.
            mode: "dense" (nearest vectors), "lexical" (BM25), "hybrid" (both, fused by their ranks), or a
                :class:`~accord.retrieval.Lexical` or :class:`~accord.retrieval.Hybrid` with settings.
            prompt_name: for a text: one of the model's prompts in place of its query prompt.
            rescore: in a store of codes: how many candidates of the scan, in multiples of k, are put in order by their
                stored vectors. True takes 10 k and at least 100, False none, None what the store can do. A store
                without a codec is exact whatever it says.
            explain: give each hit its `sources`: rank and score by way of searching.

        Returns:
            Best first; equal scores by id, descending, as trec_eval orders them.

        Raises:
            InputError: k below 1, an empty query, an empty store, a vector that does not fit, rescoring wanted of a
                store that keeps codes only.
            ModelError: the model is not the one that made the vectors.
            StorageError: a document that was found had been changed on the disk.
        """
        snapshot = self._ready(k)

        def dense(count: int) -> tuple[np.ndarray, np.ndarray]:
            if isinstance(query, str):
                if not query.strip():
                    raise InputError("`query` must not be empty.")
                vectors = self._questions.encode([query], prompt_name=prompt_name)
            else:
                vectors = _as_row(query)
            positions, scores = self._nearest(snapshot, vectors, count, rescore)
            found = positions[0] >= 0
            return positions[0][found], scores[0][found]

        return search(snapshot, query, int(k), mode=mode, dense=dense, explain=explain)

    def search_vectors(
        self, vectors: Any, k: int = 10, *, rescore: Rescore = None
    ) -> tuple[list[list[str]], np.ndarray]:
        """Ids and scores for a batch of query vectors.

        Args:
            vectors: (queries, dim).
            k: how many at most.
            rescore: as in :meth:`search`.

        Returns:
            The ids of each query, best first, and their scores, (queries, min(k, documents)) float32.

        Raises:
            InputError: as in :meth:`search`.
        """
        snapshot = self._ready(k)
        positions, scores = self._nearest(snapshot, vectors, k, rescore)
        flat = positions[positions >= 0]
        unique, inverse = np.unique(flat, return_inverse=True)
        names = snapshot.ids_at(unique)
        ids = iter([names[n] for n in inverse.tolist()])
        return [[next(ids) for _ in range(count)] for count in (positions >= 0).sum(axis=1).tolist()], scores

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """A block of changes: all of it is kept when the block ends, nothing when it fails.

        When the block has ended, the changes are on the disk. This store then answers from them.

        Raises:
            StoreLocked: the store already has a writer.
            StorageError: the disk refuses; the store stays at its last commit.
        """
        self._current()
        with writing(self.path) as writer:
            yield writer
        self.refresh()
        if empty_log(self.path):
            self.refresh()  # reads from the database alone, so that the log can start afresh

    def refresh(self) -> Self:
        """Move to the newest commit; searches that are under way finish on theirs."""
        self._current()
        self._snapshot = open_snapshot(self.path)
        return self

    def close(self) -> None:
        """Let go of the files; closing twice is harmless."""
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _nearest(self, snapshot: Snapshot, vectors: Any, k: int, rescore: Rescore) -> tuple[np.ndarray, np.ndarray]:
        manifest = snapshot.manifest
        matrix = check_vectors("query", vectors, (None, manifest.dim), manifest.similarity).astype(np.float32)
        if manifest.similarity == "cosine":
            matrix = (matrix / np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)).astype(np.float32)
        codec = self.codec
        stored = codec is None or manifest.rescored is not None
        return snapshot.nearest(matrix, int(k), codec=codec, count=candidates(int(k), rescore, stored=stored))

    def _current(self) -> Snapshot:
        snapshot = self._snapshot
        if snapshot is None:
            raise InputError(f"The store {self.path} is closed. Open it again.")
        return snapshot

    def _ready(self, k: int) -> Snapshot:
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
            raise InputError(f"`k` must be a whole number from 1. Got {k!r} instead.")
        check_at_least("k", int(k), 1)
        snapshot = self._current()
        if not len(snapshot):
            raise InputError(f"The store {self.path} holds no documents. Add some first.")
        return snapshot


def _as_row(query: Any) -> np.ndarray:
    try:
        row = np.asarray(query)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"`query` must be a text or a vector ({error}).") from error
    if row.dtype.kind not in "fiu" or row.ndim != 1:
        raise InputError(
            f"`query` must be a text or one vector. Got {type(query).__name__} of shape {row.shape}. "
            "For several vectors use search_vectors."
        )
    return row[None]
