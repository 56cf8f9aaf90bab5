"""Search by vectors.

:func:`exact_search` compares a query with every row and is never wrong; it needs nothing but arrays, so it also mines
negatives and scores retrieval tasks.
"""

from __future__ import annotations

from accord.retrieval.dense.exact import exact_search

__all__ = ["exact_search"]
