"""How often each word stands in each text: what codes that learn from words are taught by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["word_counts"]


def word_counts(texts: Sequence[str], *, most: int = 10_000, share: float = 0.5) -> csr_matrix:
    """Counts of the words that say something about a text.

    Words are runs of two or more letters or digits, in lower case. One that stands in a single text is left out, where
    there are more texts, and so is one that stands in more than `share` of them.

    Args:
        texts: the documents.
        most: words to keep, those with the highest counts.
        share: of the texts, in (0, 1].

    Returns:
        (texts, words), whole numbers as float32.

    Raises:
        InputError: no word is left.

    >>> word_counts(["a red fox", "a red hen", "a blue hen"], share=1.0).toarray().tolist()
    [[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    check_at_least("most", most, 1)
    check_fraction("share", share)
    counter = CountVectorizer(max_features=most, max_df=float(share), min_df=min(2, len(texts)))
    try:
        return csr_matrix(counter.fit_transform(texts), dtype=np.float32)
    except ValueError as error:
        raise InputError(f"`texts` must hold words to count: {len(texts)} texts leave none ({error}).") from error
