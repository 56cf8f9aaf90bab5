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
from accord.core.progress import Progress, silent
from accord.core.types import Encodes, Ragged
from accord.retrieval.care.statistics import StoreStats, store_stats
from accord.retrieval.dense.hnsw import HNSW
from accord.retrieval.dense.ivf import IVF
from accord.retrieval.documents import Document, Hit, read_records
from accord.retrieval.files.columns import Column, column_codec, with_counts
from accord.retrieval.files.creation import check_same, lay_out, read_codec
from accord.retrieval.files.manifest import check_model
from accord.retrieval.files.schema import DATABASE, empty_log
from accord.retrieval.filters.tree import Filter
from accord.retrieval.lexical.analysers import Analyser
from accord.retrieval.questions import Questions, new_record
from accord.retrieval.recall import RecallMonitor
from accord.retrieval.rescoring import Rescore
from accord.retrieval.searching import Hybrid, Mode, Side, both_sides, search
from accord.retrieval.sidecars import Index, build_sidecar, is_current, read_settings
from accord.retrieval.snapshot import Snapshot, open_snapshot
from accord.retrieval.vector_search import VectorSearch
from accord.retrieval.writer import Writer, writing

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["Store", "open"]


def open(path: Path | str, *, model: Encodes | str | Path | None = None, create: bool = False) -> Store:
    """Open a store at its newest commit.

    Args:
        path: its folder.
        model: answers text queries in place of the recorded model: an encoder, or what `encoders.load` takes. Loaded
            and checked against the record when a text is first searched.
        create: make an empty store of this model where there is none.

    Raises:
        InputError: no store there, or one that a newer accord made; `create` without a model.
        StorageError: damaged in a way that reading would not survive.
    """
    path = Path(path)
    if (path / DATABASE).is_file():
        return Store(path, model=model)
    if not create:
        raise InputError(
            f"{path} is not a store (it has no {DATABASE}). Make one: open(path, model=..., create=True), "
            "Store.create, or `accord index`."
        )
    if model is None:
        raise InputError(f"{path} is no store yet, and a new one needs a `model`: open(path, model=..., create=True).")
    record, encoder = new_record(model)
    Store.create(path, model=record).close()
    return Store(path, model=encoder)


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
        self._by_vectors = VectorSearch(self.path)

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
        columns: Sequence[Column] | None = None,
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
            columns: what is kept of each document beside its vector, made by :func:`kept_column`: a second vector, or
                several (one a token, say). They are written with the vectors and read by :meth:`column`.
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
            check_same(path, record, made, rescore, analyser, columns)
            return cls(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists and is not a store. Choose another folder.")
        source = Path(codec) if isinstance(codec, (str, Path)) else None
        analyser = analyser or Analyser()
        lay_out(path, record, made, rescore, analyser=analyser, columns=with_counts(columns or ()), source=source)
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
    def analyser(self) -> Analyser | None:
        """How texts become terms; None in a store of an older accord that has no index of words yet."""
        settings = self._current().manifest.lexical
        return None if settings is None else Analyser.of(settings)

    @property
    def version(self) -> int:
        """The commit that answers come from; counts from 0."""
        return self._current().manifest.version

    def stats(self) -> StoreStats:
        """What the store takes, in memory and on the disk, as of the commit that answers come from."""
        snapshot = self._current()
        return store_stats(
            self.path, snapshot.manifest, len(self), sidecars=snapshot.sidecars, recall=self.recall.estimate()
        )

    @property
    def recall(self) -> RecallMonitor:
        """Watches what approximate searches of this store find; `store.recall.share` says how many are asked again."""
        return self._by_vectors.recall

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

    def column(self, name: str, ids: Sequence[str] | None = None) -> np.ndarray | Ragged:
        """What a further column holds of some documents, or of all.

        Args:
            name: of the column.
            ids: in any order; those of :meth:`ids` when not given.

        Returns:
            (ids, dim), or a :class:`~accord.core.types.Ragged` with the rows of each where there may be several.

        Raises:
            InputError: no such column, or an id that is not there.
        """
        return self._current().column_of(name, ids)

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
        where: Filter | str | None = None,
        mode: Mode = "dense",
        prompt_name: str | None = None,
        rescore: Rescore = None,
        index: Index = "auto",
        explain: bool = False,
    ) -> list[Hit]:
        """The documents that answer a query best, of all documents or those that pass a filter.

        Args:
            query: a text, or a vector (dim) for a dense search.
            k: how many at most; fewer come back only when the store holds fewer, fewer pass, or in a search by words
                fewer hold one of them.
            where: which documents may be found, such as "year >= 2020 and lang = 'en'"; see
                :mod:`accord.retrieval.filters`.
            mode: "dense" (nearest vectors), "lexical" (BM25), "hybrid" (both, fused by their ranks), or a
                :class:`~accord.retrieval.Lexical` or :class:`~accord.retrieval.Hybrid` with settings.
            prompt_name: for a text: one of the model's prompts in place of its query prompt.
            rescore: in a store of codes: how many candidates of the scan, in multiples of k, are put in order by their
                stored vectors. True takes 10 k and at least 100, False none, None what the store can do. A store
                without a codec is exact whatever it says.
            index: "auto" asks an index that :meth:`build_index` made, from 20,000 documents on, and compares every row
                where there is none; "exact" compares every stored vector. HNSW(...) or IVF(...) ask the index of that
                kind as they say.
            explain: give each hit its `sources`: rank and score by way of searching.

        Returns:
            Best first; equal scores by id, descending, as trec_eval orders them.

        Raises:
            InputError: k below 1, an empty query, an empty store, a vector that does not fit, a filter that cannot be
                read or names a field that no document has, rescoring wanted of a store that keeps codes only.
            ModelError: the model is not the one that made the vectors.
            StorageError: a document that was found had been changed on the disk.
        """
        snapshot = self._ready(k)
        keep = None if where is None else snapshot.matching(where)
        dense = self._dense(snapshot, query, prompt_name, rescore, index)
        return search(snapshot, query, int(k), mode=mode, dense=dense, keep=keep, explain=explain)

    def sides(self, query: str, mode: Hybrid) -> tuple[list[str], np.ndarray]:
        """What a hybrid search of a text fuses; weights are learned on it.

        Args:
            query: a text.
            mode: how many documents of each side, and the lexical side's settings.

        Returns:
            Ids of the documents that either side finds, and their scores by vectors and by words, (2, documents).

        Raises:
            InputError: as in :meth:`search`.
        """
        snapshot = self._ready(mode.candidates)
        dense = self._dense(snapshot, query, None, None, "auto")
        union, scores, _ = both_sides(snapshot, query, mode, mode.candidates, dense=dense)
        return snapshot.ids_at(union) if len(union) else [], scores

    def _dense(self, snapshot: Snapshot, query: Any, prompt_name: str | None, rescore: Rescore, index: Index) -> Side:
        """The dense side of a search; a text is encoded when it is first asked, and once."""
        asked: list[np.ndarray] = []

        def dense(count: int, among: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
            if not asked:
                asked.append(self._asked(query, prompt_name))
            positions, scores = self._nearest(snapshot, asked[0], count, rescore, among, index)
            found = positions[0] >= 0
            return positions[0][found], scores[0][found]

        return dense

    def search_vectors(
        self,
        vectors: Any,
        k: int = 10,
        *,
        where: Filter | str | None = None,
        rescore: Rescore = None,
        index: Index = "auto",
    ) -> tuple[list[list[str]], np.ndarray]:
        """Ids and scores for a batch of query vectors.

        Args:
            vectors: (queries, dim).
            k: how many at most.
            where: as in :meth:`search`.
            rescore: as in :meth:`search`.
            index: as in :meth:`search`.

        Returns:
            The ids of each query, best first, and their scores, (queries, min(k, documents that may be found)) float32.

        Raises:
            InputError: as in :meth:`search`.
        """
        snapshot = self._ready(k)
        keep = None if where is None else snapshot.matching(where)
        positions, scores = self._nearest(snapshot, vectors, k, rescore, keep, index)
        flat = positions[positions >= 0]
        unique, inverse = np.unique(flat, return_inverse=True)
        names = snapshot.ids_at(unique)
        ids = iter([names[n] for n in inverse.tolist()])
        return [[next(ids) for _ in range(count)] for count in (positions >= 0).sum(axis=1).tolist()], scores

    def search_range(
        self,
        query: Any,
        least_score: float,
        *,
        where: Filter | str | None = None,
        prompt_name: str | None = None,
    ) -> list[Hit]:
        """All documents whose score is at least `least_score`, however many; every stored vector is compared.

        Args:
            query: a text, or a vector (dim).
            least_score: of the store's similarity.
            where: as in :meth:`search`.
            prompt_name: as in :meth:`search`.

        Returns:
            Best first; equal scores by id, descending.

        Raises:
            InputError: a score that is no finite number, a store of codes alone, or as in :meth:`search`.
        """
        snapshot = self._ready(1)
        keep = None if where is None else snapshot.matching(where)
        vector = self._asked(query, prompt_name)
        positions, scores = self._by_vectors.within(snapshot, vector, least_score, keep=keep)
        documents = enumerate(zip(snapshot.documents_at(positions), scores.tolist()), 1)
        return [Hit(d.id, score, d.text, d.title, d.metadata, rank) for rank, (d, score) in documents]

    def build_index(self, index: HNSW | IVF | str | None = None, *, progress: Progress = silent) -> bool:
        """Make an index for approximate search, or make it anew; searches with `index="auto"` then ask it.

        Documents that are added later are compared one by one until it is made anew. Others may read and write
        meanwhile.

        Args:
            index: HNSW(...) or IVF(...), or a text such as "HNSW: {ef_search: 200}"; HNSW() when not given.
            progress: opens one bar, in rows.

        Returns:
            Whether there was something to do; an index with these settings over all rows stays as it is.

        Raises:
            InputError: an empty store, or one of codes alone.
            MissingExtra: FAISS is not installed: pip install 'accord[search]'.
            StorageError: the disk refuses, or somebody was writing all the time.
        """
        settings = HNSW() if index is None else read_settings(index)
        snapshot = self.refresh()._current()
        if is_current(snapshot, settings) and self._by_vectors.sidecars.find(snapshot, settings) is not None:
            return False
        build_sidecar(self.path, settings, progress=progress)
        self.refresh()
        return True

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """A block of changes: all of it is kept when the block ends, nothing when it fails.

        When the block has ended, the changes are on the disk. This store then answers from them.

        Raises:
            StoreLocked: the store already has a writer.
            StorageError: the disk refuses; the store stays at its last commit.
        """
        self._current()
        with writing(self.path, self._questions) as writer:
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

    def _asked(self, query: Any, prompt_name: str | None) -> np.ndarray:
        """The vector of one query, (1, dim)."""
        if not isinstance(query, str):
            return _as_row(query)
        if not query.strip():
            raise InputError("`query` must not be empty.")
        return self._questions.encode([query], prompt_name=prompt_name)

    def _nearest(
        self, snapshot: Snapshot, vectors: Any, k: int, rescore: Rescore, keep: np.ndarray | None, index: Index
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._by_vectors.nearest(
            snapshot, vectors, int(k), codec=self.codec, rescore=rescore, index=index, keep=keep
        )

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
