"""Search by vectors.

:func:`exact_search` compares a query with every row and is never wrong; it needs nothing but arrays, so it also mines
negatives and scores retrieval tasks.

Above some hundred thousand rows an index answers sooner: :class:`HNSW` is the faster to ask, :class:`IVF` the faster to
build and the smaller. Both come from FAISS (the extra `search`), keep their own small copy of the rows, and only name
candidates: the rows of the store put them in order, so scores and ties are those of exact search.
"""

from __future__ import annotations

from accord.retrieval.dense.exact import exact_search
from accord.retrieval.dense.hnsw import HNSW
from accord.retrieval.dense.ivf import IVF
from accord.retrieval.dense.within import range_search

__all__ = ["HNSW", "IVF", "exact_search", "range_search"]
