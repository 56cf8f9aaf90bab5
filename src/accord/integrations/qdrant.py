"""Qdrant: a store moves to a server, goes on where it stopped, and is compared with what arrived.

Every document becomes a point: its vector, and a payload with its metadata, `id`, `title`, `text` and `accord_sha256`.
That hash, over the document and its vector, tells what is there already, so nothing is kept on this side.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import math
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError, MissingExtra, StorageError
from accord.core.progress import Progress, silent
from accord.retrieval import Document, Store
from accord.retrieval import open as open_store
from accord.retrieval.snapshot import Snapshot, open_snapshot

__all__ = ["HASH", "QdrantReport", "export_qdrant", "payload_of", "point_id"]

HASH = "accord_sha256"
"""The key of a payload that holds the hash of its document and vector."""
_NAMESPACE = uuid.UUID("6f9f3c1e-6a0b-5c53-9b8e-0f6a2d1c7b44")
_K = 10
_SAMPLE = 1000
_LARGEST = 1 << 63
_SHOWN = 30
_TOLERANCE = 1e-5
_PATIENCE = 600.0


@dataclass(frozen=True)
class QdrantReport:
    """What an export sent, and how the collection compares with the store.

    Args:
        collection: its name.
        documents: in the store.
        sent: of these, how many had to be sent; the others were there already.
        points: in the collection afterwards.
        compared: documents, drawn at random, whose points were read back.
        differing: ids of those whose payload, hash or vector is not as it was sent. The server rounds fractions in the
            last place, and under cosine brings vectors to length 1; neither counts.
        queries: vectors of documents, drawn at random, that were searched on both sides.
        recall: share of the ten exactly nearest that the collection finds; None without queries.
        recall_here: the same share for the store's own search.
    """

    collection: str
    documents: int
    sent: int
    points: int
    compared: int
    differing: tuple[str, ...]
    queries: int
    recall: float | None
    recall_here: float | None

    @property
    def ok(self) -> bool:
        """Whether every document is there as it was sent, and nothing else; how many are found is for you to judge."""
        return self.points == self.documents and not self.differing

    def lines(self) -> Iterator[str]:
        """The report in words, a line each."""
        yield (
            f"{self.collection}: {self.sent:,} of {self.documents:,} documents sent, "
            f"{self.documents - self.sent:,} were there already; {self.points:,} points are there now."
        )
        yield f"{self.compared:,} read back: {len(self.differing):,} differ from what was sent."
        for name in self.differing[:_SHOWN]:
            yield f"  {name}"
        if self.recall is not None:
            yield (
                f"Of the ten nearest to {self.queries:,} vectors the collection finds {self.recall:.2%}, "
                f"the store {self.recall_here or 0:.2%}."
            )


def export_qdrant(
    path: Path | str,
    collection: str,
    *,
    url: str | None = None,
    client: Any = None,
    batch: int = 1000,
    resume: bool = False,
    queries: int = 1000,
    progress: Progress = silent,
) -> QdrantReport:
    """Send a store's newest commit to a collection, which is made where there is none, and compare both.

    Args:
        path: the store.
        collection: its name.
        url: of the server, such as http://localhost:6333. An API key is taken from the variable QDRANT_API_KEY.
        client: a `QdrantClient` in place of `url`, with settings of its own.
        batch: documents a request.
        resume: go on with a collection that is there: only what is new or differs is sent. Points of documents that the
            store no longer holds stay, and show as too many points.
        queries: searched on both sides, at most; 0 for none.
        progress: opens a bar, in documents.

    Raises:
        InputError: a collection that is there (without `resume`) or does not fit, an empty store, one of codes alone.
        MissingExtra: `qdrant-client` is not installed.
        StorageError: the server refuses or cannot be reached. What has arrived stays; go on with `resume`.
    """
    check_at_least("batch", batch, 1)
    check_at_least("queries", queries, 0)
    if (url is None) == (client is None):
        raise InputError("Give either the `url` of a Qdrant server or a `client`.")
    snapshot = open_snapshot(Path(path))
    try:
        names = snapshot.ids()
        if not names:
            raise InputError(f"The store {path} holds no documents. Add some first.")
        snapshot.vectors_of(names[:1])  # a store of codes alone says so before anything is sent
        server = _Server(client or _connect(str(url)), collection)
        server.prepare(snapshot.manifest.dim, snapshot.manifest.similarity, resume=resume)
        sent = 0
        with progress(f"to {collection}", total=len(names), unit="documents") as advance:
            for first in range(0, len(names), batch):
                sent += server.send(list(_points(snapshot, names[first : first + batch])), fresh=not resume)
                advance(min(batch, len(names) - first))
        generator = np.random.default_rng(0)
        sample = [names[n] for n in np.sort(generator.permutation(len(names))[:_SAMPLE])]
        differing = server.differing(list(_points(snapshot, sample)), snapshot.manifest.similarity)
        asked = [names[n] for n in np.sort(generator.permutation(len(names))[: int(queries)])]
        vectors = snapshot.vectors_of(asked) if asked else None
        with open_store(path) as store:
            recall, recall_here = (None, None) if vectors is None else _recalls(server, store, vectors)
        return QdrantReport(
            collection, len(names), sent, server.count(), len(sample), tuple(differing), len(asked), recall, recall_here
        )
    finally:
        snapshot.close()


def point_id(name: str) -> str:
    """The id of a document's point: a UUID that follows from its own id.

    >>> point_id("a") == point_id("a"), point_id("a") == point_id("b")
    (True, False)
    """
    return str(uuid.uuid5(_NAMESPACE, name))


def payload_of(document: Document, vector: np.ndarray) -> dict[str, Any]:
    """The payload of a document's point: metadata at the top, so that filters of Qdrant name the same fields.

    >>> sorted(payload_of(Document("a", "A text.", metadata={"year": 2020}), np.ones(2)))
    ['accord_sha256', 'id', 'text', 'title', 'year']
    """
    said = {**document.metadata, "id": document.id, "title": document.title, "text": document.text}
    data = json.dumps(said, sort_keys=True, ensure_ascii=False).encode() + vector.astype("<f4").tobytes()
    return {**said, HASH: hashlib.sha256(data).hexdigest()}


@dataclass(frozen=True)
class _Point:
    name: str
    vector: np.ndarray
    payload: dict[str, Any]


def _points(snapshot: Snapshot, names: Sequence[str]) -> Iterator[_Point]:
    for document, vector in zip(snapshot.documents_of(names), snapshot.vectors_of(names)):
        if HASH in document.metadata:
            raise InputError(f"The document {document.id!r} has metadata called {HASH!r}, which the export needs.")
        yield _Point(document.id, vector, payload_of(document, vector))


def _library() -> Any:
    if importlib.util.find_spec("qdrant_client") is None:
        raise MissingExtra("Exporting to Qdrant needs the package `qdrant-client`: pip install 'accord[qdrant]'")
    return importlib.import_module("qdrant_client")


def _connect(url: str) -> Any:
    library, key = _library(), os.environ.get("QDRANT_API_KEY")
    try:
        return library.QdrantClient(url=url, api_key=key, timeout=60, check_compatibility=False)
    except ValueError as error:
        raise InputError(f"`url` must be the address of a Qdrant server. Got {url!r} ({error}).") from error


class _Server:
    """One collection, and its errors in our words."""

    def __init__(self, client: Any, collection: str) -> None:
        self.client, self.collection, self.models = client, collection, _library().models

    def call(self, method: str, **arguments: Any) -> Any:
        """One request.

        Raises:
            StorageError: refused, or nobody there.
        """
        try:
            return getattr(self.client, method)(self.collection, **arguments)
        except (AttributeError, TypeError):
            raise
        except Exception as error:  # the client has errors of its own for each transport
            reason = " ".join(str(error).split())[:300]
            raise StorageError(
                f"Qdrant did not answer `{method}` for {self.collection!r}: {reason}. What has arrived stays; "
                "go on with resume (--resume)."
            ) from error

    def prepare(self, dim: int, similarity: str, *, resume: bool) -> None:
        """Make the collection, or see that it fits."""
        distance = self.models.Distance.COSINE if similarity == "cosine" else self.models.Distance.DOT
        if not self.call("collection_exists"):
            params = self.models.VectorParams(size=dim, distance=distance)
            self.call("create_collection", vectors_config=params)
            return
        if not resume:
            raise InputError(
                f"The collection {self.collection!r} is there already. Go on with it (--resume), or name another."
            )
        found = self.call("get_collection").config.params.vectors
        if isinstance(found, Mapping) or (found.size, found.distance) != (dim, distance):
            raise InputError(
                f"The collection {self.collection!r} is not for vectors of {dim} numbers under {distance.value}: "
                f"it has {found}. Name another."
            )

    def send(self, points: Sequence[_Point], *, fresh: bool) -> int:
        """Send those that are not there yet as they are; returns how many."""
        if not fresh:
            there = self.hashes([point.name for point in points])
            points = [p for p in points if there.get(point_id(p.name)) != p.payload[HASH]]
        if points:
            made = [
                self.models.PointStruct(id=point_id(p.name), vector=p.vector.tolist(), payload=p.payload)
                for p in points
            ]
            self.call("upsert", points=made, wait=True)
        return len(points)

    def hashes(self, names: Sequence[str]) -> dict[str, str | None]:
        """The hash in each point that is there."""
        found = self.call("retrieve", ids=[point_id(name) for name in names], with_payload=[HASH], with_vectors=False)
        return {str(record.id): (record.payload or {}).get(HASH) for record in found}

    def differing(self, points: Sequence[_Point], similarity: str) -> Iterator[str]:
        """Ids of points that are missing or not as they were sent; under cosine only directions are compared."""
        ids = [point_id(point.name) for point in points]
        records = {}
        for first in range(0, len(ids), 100):
            some = self.call("retrieve", ids=ids[first : first + 100], with_payload=True, with_vectors=True)
            records |= {str(record.id): record for record in some}
        for name, point in zip(ids, points):
            record = records.get(name)
            if record is None or not _same(record.payload, point.payload):
                yield point.name
                continue
            there, here = np.asarray(record.vector, dtype=np.float64), point.vector.astype(np.float64)
            if similarity == "cosine":
                there, here = there / np.linalg.norm(there), here / np.linalg.norm(here)
            if not np.allclose(there, here, rtol=_TOLERANCE, atol=_TOLERANCE):
                yield point.name

    def count(self) -> int:
        """Points in the collection."""
        return int(self.call("count", exact=True).count)

    def settle(self) -> None:
        """Wait until the server has built its indexes, for some minutes at most."""
        end = time.monotonic() + _PATIENCE
        while self.call("get_collection").status == self.models.CollectionStatus.YELLOW and time.monotonic() < end:
            time.sleep(0.2)

    def search(self, vectors: np.ndarray, k: int) -> list[list[str]]:
        """Ids of the nearest documents."""
        self.settle()
        found = []
        for first in range(0, len(vectors), 100):
            requests = [
                self.models.QueryRequest(query=vector.tolist(), limit=k, with_payload=["id"])
                for vector in vectors[first : first + 100]
            ]
            found += self.call("query_batch_points", requests=requests)
        return [[point.payload["id"] for point in response.points] for response in found]


def _same(there: Any, here: Any) -> bool:
    """Whether JSON came back as it was sent; the server rounds fractions in the last place, and very large integers."""
    if isinstance(here, Mapping):
        return (
            isinstance(there, Mapping) and there.keys() == here.keys() and all(_same(there[k], here[k]) for k in here)
        )
    if isinstance(here, (list, tuple)):
        return isinstance(there, list) and len(there) == len(here) and all(map(_same, there, here))
    if isinstance(here, float) or (isinstance(here, int) and abs(here) >= _LARGEST):
        number = isinstance(there, (int, float)) and not isinstance(there, bool)
        return number and math.isclose(there, here, rel_tol=1e-12)
    return type(there) is type(here) and there == here


def _recalls(server: _Server, store: Store, vectors: np.ndarray) -> tuple[float, float]:
    """Share of the exactly nearest that the collection finds, and that the store's own search finds."""
    k = min(_K, len(store))
    exact, scores = store.search_vectors(vectors, k, index="exact")
    own, _ = store.search_vectors(vectors, k)
    found = server.search(vectors, k)
    return _recall(store, vectors, found, exact, scores), _recall(store, vectors, own, exact, scores)


def _recall(
    store: Store,
    vectors: np.ndarray,
    found: Sequence[Sequence[str]],
    exact: Sequence[Sequence[str]],
    scores: np.ndarray,
) -> float:
    """Mean share; what is not among the exact but as near as the last of them counts as found."""
    shares = []
    for vector, names, wanted, values in zip(vectors, found, exact, scores):
        hits, others = len(set(names) & set(wanted)), [n for n in dict.fromkeys(names) if n not in set(wanted)]
        if others:
            level = _scores(vector, store.vectors(others), store.record["similarity"])
            hits += int((level >= values[-1] - _TOLERANCE).sum())
        shares.append(min(1.0, hits / len(wanted)))
    return float(np.mean(shares))


def _scores(query: np.ndarray, rows: np.ndarray, similarity: str) -> np.ndarray:
    query, rows = query.astype(np.float64), rows.astype(np.float64)
    if similarity == "cosine":
        return rows @ query / (np.linalg.norm(rows, axis=1) * np.linalg.norm(query))
    return rows @ query
