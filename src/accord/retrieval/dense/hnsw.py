"""HNSW: rows linked to near ones in layers, each query walks towards its nearest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.spec import Described
from accord.retrieval.dense.base import STORAGE, faiss_library, scalar_type
from accord.retrieval.dense.principal import principal_directions

__all__ = ["HNSW"]

_SAMPLE = 50_000
_VIEW, _ROWS, _GROWTH = 128, 50_000, 0.4
_SHARE, _LEARNED, _MULTIPLE = 0.95, 10_000, 16


class HNSW(Described):
    """A graph over the rows; a query goes from layer to layer, nearer with each step, and keeps the best it met.

    Fast at any size, slow to build, and as large in memory as its links and its copy of the rows: with the defaults
    8 bytes a link and one for each number that is kept of a row, in a file that is mapped, so that processes share it.

    Also known as: hierarchical navigable small world graph; M (`links`), efConstruction, efSearch.

    Reference: Malkov & Yashunin (2018), arXiv:1603.09320, algorithms 1, 2, 4 and 5.

    Differs from the paper: rows are turned onto their principal directions, of which most are kept, in eight bits a
    number; and what it finds is scored again from the store's own rows.

    Args:
        links: of a row to others in each layer, twice as many in the lowest.
        ef_construction: how many near rows are looked at when a row is linked.
        ef_search: how many rows a query keeps in view; more find more and take longer. When not given: 128, and from
            50,000 rows on more, with the 0.4th power of their number (240 at 250,000; 420 at a million).
        storage: how the index keeps its copy of the rows: "int8", "float16" or "float32".
        dim: how many numbers of a row the index keeps, along its principal directions. When not given: as many as hold
            95 % of the squared lengths of 10,000 rows, a multiple of 16; as many as the rows have keep them whole.

    Raises:
        InputError: a number that is too small, or an unknown storage.

    >>> HNSW(ef_search=256)
    HNSW(ef_search=256)
    """

    def __init__(
        self,
        *,
        links: int = 32,
        ef_construction: int = 64,
        ef_search: int | None = None,
        storage: str = "int8",
        dim: int | None = None,
    ) -> None:
        check_at_least("links", links, 2)
        check_at_least("ef_construction", ef_construction, 1)
        for name, value in (("ef_search", ef_search), ("dim", dim)):
            if value is not None:
                check_at_least(name, value, 1)
        check_choice("storage", storage, STORAGE)
        self.links = links
        self.ef_construction = ef_construction
        self.ef_search = ef_search
        self.storage = storage
        self.dim = dim

    def train_rows(self, count: int) -> int:
        """How many rows it learns from, of so many."""
        return min(count, _SAMPLE if self.storage == "int8" else _LEARNED)

    def build(self, sample: np.ndarray, rows: Iterable[np.ndarray], count: int) -> Any:
        """A FAISS index over all rows, by inner product.

        Args:
            sample: (n, dim) float32 of them, to learn the ranges of the eight bits from.
            rows: all of them, some at a time, in the order of their positions.
            count: how many.
        """
        del count
        faiss, directions = faiss_library(), self._directions(sample)
        dim = len(directions)
        if self.storage == "float32":
            index = graph = faiss.IndexHNSWFlat(dim, self.links, faiss.METRIC_INNER_PRODUCT)
        else:
            index = graph = faiss.IndexHNSWSQ(dim, scalar_type(self.storage), self.links, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = self.ef_construction
        if dim < sample.shape[1]:
            turn = faiss.LinearTransform(sample.shape[1], dim, False)
            faiss.copy_array_to_vector(directions.ravel(), turn.A)
            turn.is_trained = turn.is_orthonormal = True
            index = faiss.IndexPreTransform(turn, graph)
        index.train(np.ascontiguousarray(sample))
        for some in rows:
            index.add(np.ascontiguousarray(some))
        return index

    def _directions(self, sample: np.ndarray) -> np.ndarray:
        """The directions that are kept."""
        some = sample[:: -(-len(sample) // _LEARNED)]
        if self.dim is None:
            return principal_directions(some, _SHARE, multiple=_MULTIPLE)
        return principal_directions(some, 1.0, multiple=sample.shape[1])[: self.dim]

    def parameters(self, index: Any, count: int, selector: Any, share: float) -> Any:
        """What FAISS is asked with: a view that is wider where fewer rows may be found.

        Args:
            index: that :meth:`build` made.
            count: candidates wanted.
            selector: which rows may be found, or None.
            share: how large a part of the rows that is, in (0, 1].
        """
        view = self.ef_search or _VIEW * max(1.0, index.ntotal / _ROWS) ** _GROWTH
        breadth = int(max(view, count) * min(1 / share, 8.0))
        faiss = faiss_library()
        asked = faiss.SearchParametersHNSW(efSearch=breadth, sel=selector)
        turned = isinstance(index, faiss.IndexPreTransform)
        return faiss.SearchParametersPreTransform(index_params=asked) if turned else asked
