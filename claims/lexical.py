"""BM25 as an encoder: what every dense retriever is held against."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS as STOP

from claims.paired import compare
from claims.study import Values, row

if TYPE_CHECKING:
    from accord.data import Pairs

__all__ = ["Bm25", "beside_bm25"]

WORD = re.compile(r"\w+")


class Bm25:
    r"""Queries and documents as vectors over words, whose dot product is BM25.

    .. math:: \sum_{w \in q} \mathrm{idf}(w) \frac{f_{wd} (k_1 + 1)}{f_{wd} + k_1 (1 - b + b\,|d| / \overline{|d|})}

    Reference: Robertson and Zaragoza (2009), Foundations and Trends in Information Retrieval 3, eq. 3.15; idf with the
    one added inside the logarithm, as Lucene has it.

    Args:
        documents: that the frequencies come from.
        k1: how soon a further occurrence of a word stops to count.
        b: how much length counts.
    """

    similarity_name = "dot"

    def __init__(self, documents: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        counts = [Counter(words(text)) for text in documents]
        held = Counter(word for count in counts for word in count)
        self.place = {word: number for number, word in enumerate(sorted(held))}
        frequency = np.array([held[word] for word in sorted(held)], dtype=float)
        self.idf = np.log1p((len(documents) - frequency + 0.5) / (frequency + 0.5))
        self.length = float(np.mean([sum(count.values()) for count in counts])) or 1.0
        self.k1, self.b = k1, b

    def encode_query(self, texts: Sequence[str], **_: object) -> np.ndarray:
        """How often each word stands in each query, (n, words)."""
        return self._rows([Counter(words(text)) for text in texts])

    def encode_document(self, texts: Sequence[str], **_: object) -> np.ndarray:
        """The weight of each word of each document, (n, words)."""
        counts = [Counter(words(text)) for text in texts]
        lengths = np.array([sum(count.values()) for count in counts], dtype=float)[:, None] / self.length
        often = self._rows(counts)
        return (often * (self.k1 + 1) / (often + self.k1 * (1 - self.b + self.b * lengths)) * self.idf).astype(
            np.float32
        )

    def _rows(self, counts: Sequence[Counter[str]]) -> np.ndarray:
        found = np.zeros((len(counts), len(self.place)), dtype=np.float32)
        for number, count in enumerate(counts):
            for word, often in count.items():
                if word in self.place:
                    found[number, self.place[word]] = often
        return found


def words(text: str) -> list[str]:
    """Lower-cased words without the commonest, plural endings cut.

    >>> words("The cats and the dogs' box")
    ['cat', 'dog', 'box']
    """
    found = (word for word in WORD.findall(text.lower()) if word not in STOP and len(word) > 1)
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]


def beside_bm25(tests: Mapping[str, Pairs], sides: Mapping[str, Values], metric: str = "nDCG@10") -> dict[str, Any]:
    """BM25's score on each test, and each of some sides against it.

    Args:
        tests: queries and documents.
        sides: test values by name.
        metric: of a query.
    """
    from accord import Retrieval

    search = Retrieval(metrics=[metric], primary=metric)
    lexical: dict[str, Sequence[float]] = {}
    for name, test in tests.items():
        further = [] if test.corpus is None else test.corpus.column("text").to_pylist()
        documents = list(dict.fromkeys([*test.column("positive"), *further]))
        lexical[name] = search.evaluate(Bm25(documents), test=test)[0].columns["value"].tolist()
    found: dict[str, Any] = {"BM25": {name: round(float(np.mean(values)), 4) for name, values in lexical.items()}}
    for side, values in sides.items():
        beside = {name: np.repeat([lexical[name]], len(of), axis=0) for name, of in values.items()}
        found[side] = row(compare(values, beside))
    return found
