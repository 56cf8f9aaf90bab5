"""A user, or a query of several meanings, as a mixture over clusters of items, with its share of the answers for each.

One vector for many interests lies between them, where nothing may be. Here each interest asks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.maths.apportion import apportion
from accord.maths.clustering import k_means
from accord.maths.mixtures import in_turn, mixture_sums, smoothed
from accord.maths.nearest import unit_rows
from accord.retrieval.documents import Hit

if TYPE_CHECKING:
    from accord.retrieval.store import Store

__all__ = ["Interests", "KnnEmbed", "knn_embed"]


def knn_embed(
    own: tuple[Float[np.ndarray, "items dim"], Int[np.ndarray, " items"]],
    neighbours: Sequence[tuple[Float[np.ndarray, "_ dim"], Int[np.ndarray, " _"]]],
    clusters: int,
    *,
    smoothing: float = 0.2,
) -> tuple[Float[np.ndarray, " clusters"], Float[np.ndarray, "clusters dim"]]:
    r"""How much of each cluster a user wants, and the vector to ask for it with.

    .. math:: p(c \mid u) = \frac{n_{uc}}{n_u}, \qquad
              \tilde p(c \mid u) = (1 - \lambda)\, p(c \mid u) + \frac{\lambda}{k} \sum_{v \in N(u)} p(c \mid v)

    and cluster c is asked with the mean of the items that stand behind its weight: u's own ones there, and those of
    the neighbours, each in the same proportion.

    Also known as: kNN-Embed, locally smoothed embedding mixtures, multi-interest retrieval.

    Reference: El-Kishky et al. (2022), kNN-Embed, arXiv:2205.06205 (mixtures over item clusters, smoothed by the
    nearest users).

    Differs from the paper: weights and vectors are smoothed by one rule, so that a cluster in which only neighbours
    have items is asked with theirs.

    Args:
        own: vectors of the items that the user chose, and the cluster of each.
        neighbours: the same of each of the k nearest users; may be empty.
        clusters: how many there are.
        smoothing: lambda, in [0, 1]: the neighbours' share.

    Returns:
        Weights that sum to 1, and unit vectors; a cluster of weight 0 has a vector of zeros.

    Raises:
        InputError: a user without items, or a share outside [0, 1].

    >>> x = np.eye(2)
    >>> weights, queries = knn_embed((x, np.array([0, 1])), [(x[:1], np.array([0]))], 3, smoothing=0.5)
    >>> weights.tolist(), queries.tolist()
    ([0.75, 0.25, 0.0], [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    """
    check_fraction("smoothing", smoothing)
    if not len(own[1]):
        raise InputError("A mixture needs items: the user has none.")
    shares, sums = mixture_sums(*own, clusters)
    others = [mixture_sums(*one, clusters) for one in neighbours]
    weights = smoothed(shares, np.array([found for found, _ in others]), smoothing)
    vectors = smoothed(sums, np.array([found for _, found in others]), smoothing)
    return weights, unit_rows(vectors)


class KnnEmbed(Described):
    """Search by :func:`knn_embed` in a store: clusters of its documents, and users who chose some of them.

    Reference: El-Kishky et al. (2022), kNN-Embed, arXiv:2205.06205.

    Args:
        clusters: of the documents, at least 1.
        neighbours: nearest users that a mixture is smoothed by; 0 for none. Users are compared by the mean of their
            items.
        smoothing: the neighbours' share, in [0, 1].
        seed: of the clusters.

    Raises:
        InputError: a number out of its range.
    """

    def __init__(self, *, clusters: int = 32, neighbours: int = 10, smoothing: float = 0.2, seed: int = 0) -> None:
        check_at_least("clusters", clusters, 1)
        check_at_least("neighbours", neighbours, 0)
        check_fraction("smoothing", smoothing)
        self.clusters = clusters
        self.neighbours = neighbours
        self.smoothing = smoothing
        self.seed = seed

    def fit(self, store: Store, histories: Mapping[str, Sequence[str]]) -> Interests:
        """Cluster the documents, and note who chose what.

        Args:
            store: that is searched; it must keep vectors, not codes alone.
            histories: by user, the ids of documents; those of users who are to be neighbours.

        Raises:
            InputError: fewer documents than clusters, a user without items, or an id that is not in the store.
        """
        vectors = store.vectors()
        codes = k_means(unit_rows(vectors), self.clusters, seed=self.seed)
        return Interests(self, store, {name: row for row, name in enumerate(store.ids())}, vectors, codes, histories)


@dataclass(frozen=True)
class _Users:
    names: list[str]
    means: np.ndarray
    items: list[np.ndarray]


class Interests:
    """Users as mixtures over clusters of one store's documents; made by :meth:`KnnEmbed.fit`.

    Documents that are added to the store later are found too; they shape no cluster.
    """

    def __init__(
        self,
        method: KnnEmbed,
        store: Store,
        rows: Mapping[str, int],
        vectors: np.ndarray,
        codes: np.ndarray,
        histories: Mapping[str, Sequence[str]],
    ) -> None:
        self.method, self.store = method, store
        self._rows, self._vectors, self._codes, self._names = rows, vectors, codes, list(rows)
        items = [self._items(ids, f"user {name!r}") for name, ids in histories.items()]
        means = [self._mean(rows) for rows in items]
        empty = np.zeros((0, vectors.shape[1]), dtype=np.float32)
        self._users = _Users(list(histories), np.array(means) if means else empty, items)
        self._places = {name: place for place, name in enumerate(histories)}

    def clusters(self) -> dict[str, int]:
        """The cluster of each document, by id."""
        return {name: int(self._codes[row]) for name, row in self._rows.items()}

    def mixture(self, of: str | Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Weights and query vectors of a user, or of a list of ids, as :func:`knn_embed` gives them.

        Raises:
            InputError: an unknown user or id, or an empty list.
        """
        items, place = self._of(of)
        near = self._nearest_users(self._mean(items), place)
        others = [(self._vectors[rows], self._codes[rows]) for rows in (self._users.items[n] for n in near)]
        own = (self._vectors[items], self._codes[items])
        return knn_embed(own, others, self.method.clusters, smoothing=self.method.smoothing)

    def search(
        self, of: str | Sequence[str], k: int = 100, *, leave_out: Sequence[str] | None = None, **options: Any
    ) -> list[Hit]:
        """Documents for a user, from each cluster in proportion to the user's weight of it.

        Args:
            of: a user of the histories, or ids of documents that stand for one: what somebody new chose, or the first
                hits of a query that may mean several things.
            k: how many.
            leave_out: ids that must not be found; the user's own items when not given.
            options: for :meth:`Store.search_vectors`, such as `rescore`.

        Returns:
            As :meth:`candidates`, with the documents.

        Raises:
            InputError: k below 1, an unknown user or id, or an empty list.
        """
        found = self.candidates(of, k, leave_out=leave_out, **options)
        return [self._hit(name, score, rank) for rank, (name, score) in enumerate(found, 1)]

    def candidates(
        self, of: str | Sequence[str], k: int = 100, *, leave_out: Sequence[str] | None = None, **options: Any
    ) -> list[tuple[str, float]]:
        """Ids for a user, with their similarity to the vector of the cluster that asked.

        Every cluster with a share asks the whole store by its own vector and takes its quota of what no cluster before
        it took, the weightiest first. The answers take turns, so that the first few are in proportion as well.

        Args:
            of: as in :meth:`search`, like all that follow.
            k: the same.
            leave_out: the same.
            options: the same.

        Returns:
            k of them, or all that the store has besides those left out.

        Raises:
            InputError: as in :meth:`search`.
        """
        check_at_least("k", k, 1)
        out = {self._names[row] for row in self._of(of)[0]} if leave_out is None else set(leave_out)
        weights, queries = self.mixture(of)
        quotas = apportion(weights, k)
        asking = [c for c in np.argsort(-weights, kind="stable").tolist() if quotas[c]]
        found, scores = self.store.search_vectors(queries[asking], min(k + len(out), len(self.store)), **options)
        taken: list[list[tuple[str, float]]] = []
        for cluster, ids, values in zip(asking, found, scores.tolist()):
            free = [(name, score) for name, score in zip(ids, values) if name not in out][: quotas[cluster]]
            out |= {name for name, _ in free}
            taken.append(free)
        lists = [iter(part) for part in taken]
        return [next(lists[turn]) for turn in in_turn([len(part) for part in taken]).tolist()]

    def _hit(self, name: str, score: float, rank: int) -> Hit:
        document = self.store.get(name)
        assert document is not None
        return Hit(name, score, document.text, document.title, document.metadata, rank)

    def _of(self, of: str | Sequence[str]) -> tuple[np.ndarray, int]:
        if not isinstance(of, str):
            return self._items(of, "`of`"), -1
        if of not in self._places:
            raise InputError(f"There is no user {of!r} in the histories. Give the ids that the user chose instead.")
        return self._users.items[self._places[of]], self._places[of]

    def _items(self, ids: Sequence[str], whose: str) -> np.ndarray:
        if isinstance(ids, str) or not len(ids):
            raise InputError(f"The items of {whose} must be a list of at least one id. Got {ids!r} instead.")
        for name in ids:
            if name not in self._rows:
                raise InputError(f"{whose} names {name!r}, which the store does not hold.")
        return np.array([self._rows[name] for name in dict.fromkeys(ids)], dtype=np.int64)

    def _mean(self, items: np.ndarray) -> np.ndarray:
        return unit_rows(self._vectors[items].mean(axis=0, keepdims=True))[0]

    def _nearest_users(self, mean: np.ndarray, own: int) -> list[int]:
        scores = self._users.means @ mean
        if own >= 0:
            scores[own] = -np.inf
        most = min(self.method.neighbours, len(scores) - (own >= 0))
        return np.argsort(-scores, kind="stable")[: max(most, 0)].tolist()
