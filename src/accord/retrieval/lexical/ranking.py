"""The best documents for weighted terms: every document with one of them is scored, the best are put in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from accord.retrieval.lexical.bm25 import BM25, inverse_document_frequency
from accord.retrieval.lexical.postings import Postings

__all__ = ["lexical_search"]


def lexical_search(
    postings: Postings,
    terms: Mapping[str, float],
    k: int,
    *,
    scoring: BM25,
    keep: np.ndarray | None = None,
    prefer: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    r"""The k documents with the largest :math:`\sum_t w_t\, \mathrm{BM25}(t, d)`.

    Args:
        postings: of the documents.
        terms: weight of each, such as how often it stands in the query.
        k: how many.
        scoring: of one term and document.
        keep: positions that may be found, rising; all when not given. What terms and lengths are worth is still
            counted over all documents.
        prefer: gives sort keys for positions that tie; the smaller key comes first.

    Returns:
        Positions and scores (float32), best first; only documents with one of the terms, so there may be fewer than k.
    """
    total = _totals(postings, terms, scoring)
    found = np.flatnonzero(total) if keep is None else keep[total[keep] > 0]
    values = total[found].astype(np.float32)
    if len(found) > k:
        least = np.partition(values, len(found) - k)[len(found) - k]
        found, values = found[values >= least], values[values >= least]
    order = np.argsort(-values, kind="stable")
    if len(order) > 1 and (values[order][:-1] == values[order][1:]).any():
        order = np.lexsort((prefer(found), -values))
    return found[order[:k]], values[order[:k]]


def _totals(postings: Postings, terms: Mapping[str, float], scoring: BM25) -> np.ndarray:
    total = np.zeros(postings.rows)
    lengths, documents = postings.lengths(), postings.documents
    mean = float(scoring.fields(lengths.sum(axis=0, dtype=np.int64)[None])[0]) / max(documents, 1)
    for term, weight in terms.items():
        positions, counts = postings.of(term)
        often = scoring.fields(counts)
        if not often.all():
            positions, often = positions[often > 0], often[often > 0]
        if len(positions):
            idf = inverse_document_frequency(len(positions), documents)
            total[positions] += weight * scoring.of(often, scoring.fields(lengths[positions]), idf, mean)
    return total
