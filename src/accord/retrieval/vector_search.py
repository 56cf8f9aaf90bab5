"""Search by vectors in a store: by an index or by every row, watched, and all that is near enough."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.core.errors import InputError
from accord.retrieval.dense.base import Candidates
from accord.retrieval.files.vectors import check_vectors, checked_unit_rows
from accord.retrieval.recall import RecallMonitor
from accord.retrieval.rescoring import Rescore, candidates
from accord.retrieval.sidecars import Index, Sidecars
from accord.retrieval.snapshot import Snapshot

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["VectorSearch"]

Found = tuple[np.ndarray, np.ndarray]


class VectorSearch:
    """What one open store knows about searching by vectors, over all its commits.

    Args:
        folder: the store.
    """

    def __init__(self, folder: Path) -> None:
        self.sidecars = Sidecars(folder)
        self.recall = RecallMonitor()

    def nearest(
        self,
        snapshot: Snapshot,
        vectors: Any,
        k: int,
        *,
        codec: FittedCodec | None,
        rescore: Rescore = None,
        index: Index = "auto",
        keep: np.ndarray | None = None,
    ) -> Found:
        """Positions and scores of the nearest rows.

        Args:
            snapshot: of the store.
            vectors: (queries, dim), checked here.
            k: how many.
            codec: of the codes, in a store of codes.
            rescore: as for :meth:`Store.search`; where it is given in a store of codes, "auto" takes the codes.
            index: as for :meth:`Store.search`.
            keep: positions that alone may be found, rising; all when missing.

        Raises:
            InputError: vectors that do not fit, an index that the store does not have, vectors wanted of a store that
                keeps codes only.
        """
        queries = self.queries(snapshot, vectors)
        stored = codec is None or snapshot.manifest.rescored is not None
        count = candidates(k, rescore, stored=stored)
        by_codes = codec is not None and index == "auto" and rescore is not None
        made = None if by_codes else self.sidecars.find(snapshot, index)
        if made is not None and snapshot.worth_asking(k, keep):
            return self._approximate(snapshot, queries, k, made, keep)
        if made is not None or (codec is not None and index != "auto"):
            self._check_rows(snapshot)
            return snapshot.exact(queries, k, keep=keep)
        return snapshot.nearest(queries, k, codec=codec, count=count, keep=keep)

    def _approximate(
        self, snapshot: Snapshot, queries: np.ndarray, k: int, index: Candidates, keep: np.ndarray | None
    ) -> Found:
        positions, scores = snapshot.approximate(queries, k, index=index, keep=keep)
        chosen = self.recall.chosen(len(queries))
        if len(chosen):
            self.recall.note(scores[chosen], snapshot.exact(queries[chosen], k, keep=keep)[1])
        return positions, scores

    def within(self, snapshot: Snapshot, vector: Any, least_score: float, *, keep: np.ndarray | None = None) -> Found:
        """Positions and scores of all rows that are near enough, best first.

        Raises:
            InputError: a vector that does not fit, a score that is no finite number, a store of codes alone.
        """
        self._check_rows(snapshot)
        (query,) = self.queries(snapshot, vector)
        return snapshot.within(query, least_score, keep=keep)

    def queries(self, snapshot: Snapshot, vectors: Any) -> np.ndarray:
        """Query vectors as they are compared: float32, of unit length under cosine.

        Raises:
            InputError: they do not fit.
        """
        shape, similarity = (None, snapshot.manifest.dim), snapshot.manifest.similarity
        if similarity == "cosine":
            return checked_unit_rows("query", vectors, shape)
        return check_vectors("query", vectors, shape, similarity).astype(np.float32)

    @staticmethod
    def _check_rows(snapshot: Snapshot) -> None:
        if not snapshot.segments and len(snapshot):
            raise InputError(
                f"{snapshot.folder} keeps codes only (it was made with rescore='none'), so its rows cannot be compared "
                "exactly. Index the documents again with rescore='float16'."
            )
