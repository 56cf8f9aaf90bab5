"""IVF: rows sorted into lists around centroids, each query reads the lists that are nearest to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.spec import Described
from accord.retrieval.dense.base import STORAGE, faiss_library, scalar_type

__all__ = ["IVF"]

_PER_LIST = 64
_PROBES, _GROWTH = 13.0, 0.45
"""How many lists a query reads: the first times the number of lists to the power of the second."""


class IVF(Described):
    """Lists around centroids of k-means; a query reads those whose centroids are nearest.

    Built many times faster than a graph and no larger than its copy of the rows, slower for each query.

    Also known as: inverted file, cell-probe index; nlist (`lists`), nprobe (`probes`).

    Reference: Sivic & Zisserman (2003), Video Google, ICCV, section 4; Jégou, Douze and Schmid (2011), Product
    Quantization for Nearest Neighbor Search, IEEE TPAMI 33 (1), section 4.

    Differs from the paper: rows are kept in eight bits a number, and what it finds is scored again from the store's own
    rows.

    Args:
        lists: how many; 4 times the square root of the number of rows when not given.
        probes: how many lists a query reads; 13 times their number to the power of 0.45 when not given, about
            what 0.99 of the ten nearest took among 50,000, 200,000 and a million made-up rows.
        storage: how the index keeps its copy of the rows: "int8", "float16" or "float32".
        seed: of k-means.

    Raises:
        InputError: a number below 1, or an unknown storage.

    >>> IVF(probes=64)
    IVF(probes=64)
    """

    def __init__(
        self, *, lists: int | None = None, probes: int | None = None, storage: str = "int8", seed: int = 0
    ) -> None:
        for name, value in (("lists", lists), ("probes", probes)):
            if value is not None:
                check_at_least(name, value, 1)
        check_choice("storage", storage, STORAGE)
        self.lists = lists
        self.probes = probes
        self.storage = storage
        self.seed = seed

    def lists_of(self, count: int) -> int:
        """How many lists so many rows get."""
        return max(1, min(count, self.lists or round(4 * count**0.5)))

    def train_rows(self, count: int) -> int:
        """How many rows it learns from, of so many."""
        return min(count, _PER_LIST * self.lists_of(count))

    def build(self, sample: np.ndarray, rows: Iterable[np.ndarray], count: int) -> Any:
        """A FAISS index over all rows, by inner product.

        Args:
            sample: (n, dim) float32 of them, to find the centroids from.
            rows: all of them, some at a time, in the order of their positions.
            count: how many.
        """
        faiss, dim = faiss_library(), sample.shape[1]
        lists, metric = min(self.lists_of(count), len(sample)), faiss.METRIC_INNER_PRODUCT
        coarse = faiss.IndexFlatIP(dim)
        if self.storage == "float32":
            index = faiss.IndexIVFFlat(coarse, dim, lists, metric)
        else:
            index = faiss.IndexIVFScalarQuantizer(coarse, dim, lists, scalar_type(self.storage), metric, False)
        index.cp.seed, index.cp.niter, index.cp.min_points_per_centroid = self.seed, 10, 1
        index.cp.max_points_per_centroid, index.cp.spherical = _PER_LIST, True
        index.train(sample)
        for some in rows:
            index.add(np.ascontiguousarray(some))
        return index

    def parameters(self, index: Any, count: int, selector: Any, share: float) -> Any:
        """What FAISS is asked with: more lists where fewer rows may be found.

        Args:
            index: that :meth:`build` made.
            count: candidates wanted.
            selector: which rows may be found, or None.
            share: how large a part of the rows that is, in (0, 1].
        """
        del count
        faiss = faiss_library()
        probes = self.probes or round(_PROBES * index.nlist**_GROWTH)
        return faiss.SearchParametersIVF(nprobe=min(index.nlist, round(probes * min(1 / share, 4.0))), sel=selector)
