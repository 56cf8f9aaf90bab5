"""BM25: how much the words that a query and a document share say about it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least, check_fraction, check_positive
from accord.core.spec import Described

__all__ = ["BM25", "bm25", "inverse_document_frequency"]


def inverse_document_frequency(holding: int, documents: int) -> float:
    r"""How rare a term is: :math:`\log(1 + (N - n + 1/2) / (n + 1/2))`.

    Reference: Robertson & Zaragoza (2009), Foundations and Trends in Information Retrieval 3, eq. 3.4.

    Differs from the paper: the 1 inside the logarithm, as in Lucene, so that a term of more than half of the documents
    still counts a little, and never against them.

    Args:
        holding: n, documents with the term.
        documents: N, of all documents.

    Returns:
        Above 0; nats.

    >>> round(inverse_document_frequency(1, 3), 4)
    0.9808
    """
    return float(np.log1p((documents - holding + 0.5) / (holding + 0.5)))


def bm25(
    frequencies: Float[np.ndarray, " docs"],
    lengths: Float[np.ndarray, " docs"],
    *,
    idf: float,
    mean_length: float,
    k1: float = 1.2,
    b: float = 0.75,
) -> Float[np.ndarray, " docs"]:
    r"""What one term adds to the score of each document, :math:`\mathrm{idf}\, f / (f + k_1 (1 - b + b\, l / \bar l))`.

    Also known as: Okapi BM25, the Lucene variant of BM25.

    Reference: Robertson & Zaragoza (2009), Foundations and Trends in Information Retrieval 3, eq. 3.15.

    Differs from the paper: without the factor :math:`k_1 + 1`, which changes no order; idf with a 1 in the logarithm.
    This is `method="lucene"` of bm25s, to float32. SQLite's own `bm25()` has the factor, and an idf that is next to
    nothing for a term of more than half of the documents; otherwise the two agree but for the idf.

    Args:
        frequencies: f, how often the term stands in each document.
        lengths: l, terms in each document.
        idf: of the term, see :func:`inverse_document_frequency`.
        mean_length: of all documents.
        k1: how soon a further occurrence stops to count: at 0 the first is all, large values count nearly linearly.
        b: how much long documents are held back: 0 not at all, 1 in full proportion.

    Returns:
        In [0, idf).

    >>> bm25(np.array([0.0, 1.0, 2.0]), np.array([3.0, 3.0, 3.0]), idf=1.0, mean_length=3.0).round(3).tolist()
    [0.0, 0.455, 0.625]
    """
    return idf * frequencies / (frequencies + k1 * (1 - b + b * lengths / mean_length))


class BM25(Described):
    """:func:`bm25` over titles and texts, with its settings.

    A weight counts every word of a field as if it stood there that often, in frequencies and in lengths alike; SQLite's
    `bm25()` weighs frequencies only.

    Also known as: BM25F, with one b for all fields.

    Reference: Robertson, Zaragoza & Taylor (2004), CIKM, Simple BM25 extension to multiple weighted fields, section 3.

    Args:
        k1: above 0.
        b: in [0, 1].
        title: weight of titles, at least 0.
        text: weight of texts, above 0.

    Raises:
        InputError: a number out of its range.
    """

    def __init__(self, *, k1: float = 1.2, b: float = 0.75, title: float = 1.0, text: float = 1.0) -> None:
        check_positive("k1", k1)
        check_fraction("b", b)
        check_at_least("title", title, 0)
        check_positive("text", text)
        self.k1 = k1
        self.b = b
        self.title = title
        self.text = text

    def fields(self, counts: np.ndarray) -> Float[np.ndarray, " docs"]:
        """Counts of (docs, [title, text]) as one weighted count each."""
        return counts[:, 0] * float(self.title) + counts[:, 1] * float(self.text)

    def of(
        self, frequencies: Float[np.ndarray, " docs"], lengths: Float[np.ndarray, " docs"], idf: float, mean: float
    ) -> Float[np.ndarray, " docs"]:
        """What one term adds, with these settings."""
        return bm25(frequencies, lengths, idf=idf, mean_length=mean, k1=self.k1, b=self.b)
