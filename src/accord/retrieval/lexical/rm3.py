"""RM3: the words of the first hits are added to the query, on the assumption that those hits are relevant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from accord.core.checks import check_at_least, check_fraction
from accord.core.spec import Described
from accord.retrieval.lexical.expansion import Question

__all__ = ["RM3", "relevance_model"]


def relevance_model(
    query: Mapping[str, float],
    documents: Sequence[Sequence[str]],
    scores: np.ndarray,
    *,
    terms: int = 10,
    query_weight: float = 0.5,
) -> dict[str, float]:
    r"""The query mixed with the terms of documents, :math:`\lambda\, p(t|q) + (1 - \lambda) \sum_d p(d) p(t|d)`.

    Also known as: RM3, pseudo-relevance feedback, blind feedback, query expansion.

    Reference: Lavrenko & Croft (2001), SIGIR, Relevance-based language models, eq. 9; Abdul-Jaleel et al. (2004), TREC
    (RM3), section 3.

    Differs from the paper: the weight of a document is its share of the scores, BM25 in place of a query likelihood, as
    in other toolkits on BM25; no smoothing of p(t|d), the share of the document's terms.

    Args:
        query: weight of each of its terms.
        documents: terms of each of the first hits.
        scores: of the hits, above 0.
        terms: how many of the documents' terms are kept.
        query_weight: lambda, in [0, 1].

    Returns:
        Weights that sum to 1; the query itself where there are no documents.

    >>> found = relevance_model({"car": 1.0}, [["car", "auto"]], np.array([2.0]))
    >>> {term: round(weight, 2) for term, weight in found.items()}
    {'car': 0.75, 'auto': 0.25}
    """
    whole = sum(query.values())
    mixed = {term: weight / whole for term, weight in query.items()}
    model: defaultdict[str, float] = defaultdict(float)
    for words, share in zip(documents, scores / scores.sum() if len(scores) else scores):
        for term, often in Counter(words).items():
            model[term] += float(share) * often / len(words)
    best = sorted(model.items(), key=lambda item: (-item[1], item[0]))[:terms]
    mass = sum(weight for _, weight in best)
    if not mass:
        return mixed
    mixed = {term: query_weight * weight for term, weight in mixed.items()}
    for term, weight in best:
        mixed[term] = mixed.get(term, 0.0) + (1 - query_weight) * weight / mass
    return mixed


class RM3(Described):
    """:func:`relevance_model` as an expansion: `Lexical(expand=RM3())`.

    Common words of the hits would crowd out the telling ones, so words of one character and English stop words are
    passed over; a text in another language should be given its own expansion.

    Reference: Lavrenko & Croft (2001), SIGIR; Abdul-Jaleel et al. (2004), TREC.

    Args:
        documents: how many of the first hits are read, at least 1.
        terms: how many of their terms are kept, at least 1.
        query_weight: in [0, 1]; at 1 nothing is added.

    Raises:
        InputError: a number out of its range.
    """

    def __init__(self, *, documents: int = 10, terms: int = 10, query_weight: float = 0.5) -> None:
        check_at_least("documents", documents, 1)
        check_at_least("terms", terms, 1)
        check_fraction("query_weight", query_weight)
        self.documents = documents
        self.terms = terms
        self.query_weight = query_weight

    def __call__(self, question: Question) -> dict[str, float]:
        """The terms of a question, and of its first hits."""
        texts, scores = question.first(self.documents)
        read = question.analyser.terms(list(texts))
        stops = question.analyser.stops() if read else frozenset()
        told = [[term for term in words if len(term) > 1 and term not in stops] for words in read]
        kept = [n for n, words in enumerate(told) if words]
        return relevance_model(
            question.terms,
            [told[n] for n in kept],
            np.asarray(scores, dtype=np.float64)[kept],
            terms=self.terms,
            query_weight=self.query_weight,
        )
