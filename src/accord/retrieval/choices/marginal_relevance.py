"""Answers that say something new: each is near the query and far from those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.retrieval.documents import Hit

if TYPE_CHECKING:
    from accord.retrieval.store import Store

__all__ = ["MarginalRelevance", "marginal_relevance"]


def marginal_relevance(
    relevance: Float[np.ndarray, " docs"],
    vectors: Float[np.ndarray, "docs dim"],
    k: int,
    *,
    balance: float = 0.7,
) -> Int[np.ndarray, " k"]:
    r"""Choose one document after the other: relevant, and unlike those chosen already.

    .. math:: \arg\max_i\; \lambda\, s_i - (1 - \lambda) \max_{j \in S} x_i \cdot x_j

    where S holds those chosen already; the first is the most relevant.

    Also known as: maximal marginal relevance, MMR, diversified search.

    Reference: Carbonell and Goldstein (1998), SIGIR, section 2.

    Args:
        relevance: s, of each document for the query, on the scale of the products of vectors.
        vectors: x, of unit length where relevance is a cosine.
        k: how many to choose, at least 1.
        balance: lambda, in [0, 1]: 1 is the order of relevance alone, 0 looks for what is new alone.

    Returns:
        (min(k, docs),) numbers of documents in the order of choice; of equal ones the earlier.

    Raises:
        InputError: shapes that do not fit, k below 1, or a balance outside [0, 1].

    >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> marginal_relevance(np.array([0.9, 0.8, 0.5]), x, 2, balance=0.5).tolist()
    [0, 2]
    """
    check_at_least("k", k, 1)
    check_fraction("balance", balance)
    wanted, rows = np.asarray(relevance, dtype=np.float64), np.asarray(vectors, dtype=np.float64)
    if wanted.ndim != 1 or rows.ndim != 2 or len(rows) != len(wanted):
        raise InputError(
            f"`relevance` and `vectors` must have a row a document. Got {wanted.shape} and {rows.shape} instead."
        )
    closest = np.full(len(wanted), -np.inf)
    free = np.ones(len(wanted), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(k, len(wanted))):
        worth = balance * wanted - (1 - balance) * closest if chosen else wanted
        best = int(np.argmax(np.where(free, worth, -np.inf)))
        chosen.append(best)
        free[best] = False
        closest = np.maximum(closest, rows @ rows[best])
    return np.array(chosen, dtype=np.int64)


class MarginalRelevance(Described):
    """Search with :func:`marginal_relevance`, over the first candidates of a plain search.

    Reference: Carbonell and Goldstein (1998), SIGIR.

    Args:
        balance: 1 is the plain order, 0 looks for what is new alone.
        candidates: how many of the plain search are chosen from; at least as many as are wanted.

    Raises:
        InputError: a balance outside [0, 1], or no candidate.
    """

    def __init__(self, *, balance: float = 0.7, candidates: int = 100) -> None:
        check_fraction("balance", balance)
        check_at_least("candidates", candidates, 1)
        self.balance = balance
        self.candidates = candidates

    def search(self, store: Store, query: Any, k: int = 10, **options: Any) -> list[Hit]:
        """The k hits of a query in the order of choice, each with its own similarity to the query.

        Args:
            store: it must keep vectors, not codes alone.
            query: a text, or a vector (dim).
            k: how many.
            options: for :meth:`Store.search`, such as `prompt_name`.

        Raises:
            InputError: as :meth:`Store.search`, or a store without vectors.
        """
        check_at_least("k", k, 1)
        return self.choose(store, store.search(query, max(k, self.candidates), **options), k)

    def choose(self, store: Store, hits: Sequence[Hit], k: int = 10) -> list[Hit]:
        """The same over hits that were found already, on the scale of the store's similarity.

        Raises:
            InputError: a hit that is not in the store.
        """
        if not hits:
            return []
        vectors = store.vectors([hit.id for hit in hits])
        order = marginal_relevance(np.array([hit.score for hit in hits]), vectors, k, balance=self.balance)
        return [replace(hits[n], rank=rank) for rank, n in enumerate(order.tolist(), 1)]
