"""From pairs or lists to a search test: distinct queries, distinct documents, and who is relevant to whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from accord.core.errors import InputError
from accord.data.leakage import normalise
from accord.data.signals import Pairs, Ranked, Signal

__all__ = ["SearchTest", "named_test", "search_test"]


@dataclass
class SearchTest:
    """Queries, documents and grades; texts that :func:`accord.data.leakage.normalise` makes equal are one.

    Args:
        relevance: for each query, the grade of each judged document by its number; relevant above 0.
    """

    query_ids: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    document_ids: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    relevance: list[dict[int, float]] = field(default_factory=list)
    _query_of: dict[str, int] = field(default_factory=dict, repr=False)
    _document_of: dict[str, int] = field(default_factory=dict, repr=False)

    def query(self, name: str, text: str, key: str | None = None) -> int:
        """Number of the query with this text, or this `key`; the first row that has it names it."""
        number = self._query_of.setdefault(normalise(text) if key is None else key, len(self.queries))
        if number == len(self.queries):
            self.query_ids.append(name)
            self.queries.append(text)
            self.relevance.append({})
        return number

    def document(self, name: str, text: str, key: str | None = None) -> int:
        """Number of the document with this text, or this `key`; the first row that has it names it."""
        number = self._document_of.setdefault(normalise(text) if key is None else key, len(self.documents))
        if number == len(self.documents):
            self.document_ids.append(name)
            self.documents.append(text)
        return number

    def grade(self, query: int, document: int, grade: float) -> None:
        """Judge a document; of several grades the highest stays."""
        row = self.relevance[query]
        row[document] = max(grade, row.get(document, grade))

    def own_documents(self) -> np.ndarray:
        """For each query, the document that is its own text and was not judged relevant to it; -1 for none.

        A query that is itself part of the collection finds itself first, which says nothing.
        """
        own = np.full(len(self.queries), -1, dtype=np.int64)
        for text, query in self._query_of.items():
            document = self._document_of.get(text, -1)
            if document >= 0 and self.relevance[query].get(document, 0.0) <= 0:
                own[query] = document
        return own

    def same_key(self) -> np.ndarray:
        """For each query, the document of its own key (text or identifier), judged or not; -1 for none."""
        return np.array([self._document_of.get(key, -1) for key in self._query_of], dtype=np.int64)

    def answerable(self) -> np.ndarray:
        """Numbers of the queries with at least one relevant document.

        Raises:
            InputError: there is none.
        """
        kept = [i for i, row in enumerate(self.relevance) if any(grade > 0 for grade in row.values())]
        if not kept:
            raise InputError("No query has a relevant document: every `score` is 0 or less. Check the test split.")
        return np.array(kept, dtype=np.int64)


def search_test(signal: Signal) -> SearchTest:
    """Build the search test of pairs (with their corpus) or of ranked lists.

    Pairs are relevant by their `score`, else by 1; lists by 1 for `pos` and 0 for `neg` (scores of a teacher are no
    judgements). Rows that share a query share what is relevant to it.

    Raises:
        InputError: another kind of signal.

    >>> test = search_test(Pairs({"anchor": ["a", "A", "b"], "positive": ["x", "y", "x"]}))
    >>> test.queries, test.documents, test.relevance
    (['a', 'b'], ['x', 'y'], [{0: 1.0, 1: 1.0}, {0: 1.0}])
    """
    test = SearchTest()
    for name, query, documents in _rows(signal):
        number = test.query(name, query)
        for place, (document, grade) in enumerate(documents):
            test.grade(number, test.document(name if len(documents) == 1 else f"{name}.{place}", document), grade)
    corpus = getattr(signal, "corpus", None)
    if corpus is not None:
        for name, text in zip(corpus.column("id").to_pylist(), corpus.column("text").to_pylist()):
            test.document(str(name), text)
    return test


def named_test(signal: Signal) -> SearchTest:
    """The search test as its rows name it: nothing is normalised, and equal texts of two documents stay two.

    Queries and documents are told apart by the columns `query_id` and `document_id` where there are such columns (a
    retrieval folder has them), else by their exact texts. Lists are laid out as pairs.

    Raises:
        InputError: another kind of signal.

    >>> pairs = Pairs({"anchor": ["a", "A"], "positive": ["x", "x"], "document_id": ["7", "8"]})
    >>> named_test(pairs).queries, named_test(pairs).document_ids
    (['a', 'A'], ['7', '8'])
    """
    test = SearchTest()
    asked, found = (_keys(signal, name) for name in ("query_id", "document_id"))
    for row, (name, query, documents) in enumerate(_rows(signal)):
        number = test.query(name, query, asked[row] if asked else query)
        for place, (document, grade) in enumerate(documents):
            alone = name if len(documents) == 1 else f"{name}.{place}"
            key = found[row] if found else document
            test.grade(number, test.document(key if found else alone, document, key), grade)
    corpus = getattr(signal, "corpus", None)
    if corpus is not None:
        for name, text in zip(map(str, corpus.column("id").to_pylist()), corpus.column("text").to_pylist()):
            test.document(name, text, name if found else text)
    return test


def _keys(signal: Signal, name: str) -> list[str] | None:
    return [str(key) for key in signal.column(name)] if name in signal.table.column_names else None


def _rows(signal: Signal) -> Iterable[tuple[str, str, list[tuple[str, float]]]]:
    """Each row as its id, its query and its judged documents."""
    if isinstance(signal, Pairs):
        graded = "score" in signal.table.column_names
        scores = signal.column("score") if graded else [1.0] * len(signal)
        rows = zip(signal.ids, signal.column("anchor"), signal.column("positive"), scores)
        return ((name, query, [(document, float(score))]) for name, query, document, score in rows)
    if isinstance(signal, Ranked):
        rows = zip(signal.ids, signal.column("query"), signal.column("pos"), signal.column("neg"))
        return (
            (name, query, [(d, 1.0) for d in good] + [(d, 0.0) for d in bad or ()]) for name, query, good, bad in rows
        )
    raise InputError(f"Retrieval is measured on Pairs or Ranked. Got {type(signal).__name__} instead.")
