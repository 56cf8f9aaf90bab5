"""Several vectors a document, one an aspect, side by side in one store; a query says how much each aspect counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least, check_finite, check_keys
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.maths.nearest import unit_rows
from accord.retrieval.documents import Hit

if TYPE_CHECKING:
    from accord.retrieval.store import Store

__all__ = ["Aspects", "aspect_query", "aspect_rows"]

Vectors = Mapping[str, Any]
Weights = str | Mapping[str, float] | None


def aspect_rows(vectors: Float[np.ndarray, "aspects docs dim"]) -> Float[np.ndarray, "docs parts"]:
    """Vectors of each aspect, brought to length 1 and laid side by side; a row of zeros stays zero.

    Also known as: concatenated embeddings, named vectors.

    Reference: Ostendorff et al. (2022), Specialized Document Embeddings, arXiv:2203.14541, section 3.

    Differs from the paper: one index holds all aspects, where the paper has an index an aspect.

    Args:
        vectors: of each aspect; zeros where a document has nothing to say about one.

    Returns:
        (docs, aspects x dim) float32.

    >>> aspect_rows(np.array([[[3.0, 4.0]], [[0.0, 0.0]]])).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929, 0.0, 0.0]]
    """
    return np.concatenate([unit_rows(of) for of in vectors], axis=1)


def aspect_query(
    vectors: Float[np.ndarray, "aspects dim"], weights: Float[np.ndarray, " aspects"]
) -> Float[np.ndarray, " parts"]:
    r"""A vector whose product with a row of :func:`aspect_rows` is :math:`\sum_a w_a \cos(q_a, d_a)`, exactly.

    Reference: Ostendorff et al. (2022), Specialized Document Embeddings, arXiv:2203.14541.

    Differs from the paper: which compares one aspect at a time; that is a weight of 1 for it and 0 for the others.

    Args:
        vectors: of the query in each aspect.
        weights: w; below 0 for "unlike this one in that respect".

    Returns:
        (aspects x dim) float32.

    >>> aspect_query(np.array([[2.0, 0.0], [0.0, 5.0]]), np.array([1.0, 0.5])).tolist()
    [1.0, 0.0, 0.0, 0.5]
    """
    return (unit_rows(vectors) * np.asarray(weights, dtype=np.float32)[:, None]).reshape(-1)


class Aspects(Described):
    """The layout of a store with one vector an aspect, and searches that weigh the aspects.

    Scores are sums of weights times cosines, exact in a store without a codec. Every search reads all parts of a row,
    also those of weight 0: A aspects cost A times the bytes and the time of one.

    Reference: Ostendorff et al. (2022), Specialized Document Embeddings, arXiv:2203.14541.

    Args:
        names: of the aspects, in the order of the parts.
        dim: of the vectors of one aspect.

    Raises:
        InputError: no name, a name twice, or a dimension below 1.

    >>> aspects = Aspects(["task", "method"], 2)
    >>> aspects.query({"task": [1.0, 0.0], "method": [0.0, 1.0]}, "method").tolist()
    [0.0, 0.0, 0.0, 1.0]
    """

    def __init__(self, names: Sequence[str], dim: int) -> None:
        if isinstance(names, str) or not len(names) or len(set(names)) != len(names):
            raise InputError(f"`names` must be a list of different aspects, one at least. Got {names!r} instead.")
        check_at_least("dim", dim, 1)
        self.names = list(names)
        self.dim = dim

    def model(self, **further: Any) -> dict[str, Any]:
        """The record of the model to create the store with: its dimension, similarity and aspects, and what is added.

        Args:
            further: such as `name`.
        """
        return {**further, "dim": len(self.names) * self.dim, "similarity": "dot", "aspects": self.names}

    def rows(self, vectors: Vectors) -> np.ndarray:
        """What to add to the store, from the (n, dim) vectors of each aspect.

        Args:
            vectors: by aspect; one that is left out is zero for all documents, as a row of zeros is for one.

        Raises:
            InputError: an unknown aspect, or vectors of another shape.
        """
        check_keys("`vectors`", vectors, self.names)
        found = {name: np.asarray(of, dtype=np.float32) for name, of in vectors.items()}
        counts = {of.shape[0] for of in found.values() if of.ndim == 2}
        if len(counts) != 1 or any(of.ndim != 2 or of.shape[1] != self.dim for of in found.values()):
            shapes = {name: of.shape for name, of in found.items()}
            raise InputError(f"`vectors` must be (n, {self.dim}) for each aspect, with equal n. Got {shapes} instead.")
        nothing = np.zeros((counts.pop(), self.dim), dtype=np.float32)
        return aspect_rows(np.stack([found.get(name, nothing) for name in self.names]))

    def query(self, vectors: Any, weights: Weights = None) -> np.ndarray:
        """A query vector for the store.

        Args:
            vectors: by aspect, the query's vector (dim); or one vector for all aspects.
            weights: the name of one aspect, or a number for each that counts; all alike, 1 / aspects, when not given.

        Raises:
            InputError: an unknown aspect, a vector that is missing or of another shape, or weights that are all 0.
        """
        numbers = self._weights(weights)
        given = vectors if isinstance(vectors, Mapping) else dict.fromkeys(self.names, vectors)
        check_keys("`vectors`", given, self.names)
        parts = np.zeros((len(self.names), self.dim), dtype=np.float32)
        for place, (name, weight) in enumerate(zip(self.names, numbers)):
            if not weight:
                continue
            if name not in given:
                raise InputError(f"`vectors` lacks the aspect {name!r}, which has the weight {weight:g}.")
            part = np.asarray(given[name], dtype=np.float32)
            if part.shape != (self.dim,):
                raise InputError(f"The vector of {name!r} must have the shape ({self.dim},). Got {part.shape} instead.")
            parts[place] = part
        return aspect_query(parts, numbers)

    def search(self, store: Store, vectors: Any, weights: Weights = None, k: int = 10, **options: Any) -> list[Hit]:
        """The documents nearest to a query in the aspects that count.

        Args:
            store: created with :meth:`model`.
            vectors: as in :meth:`query`.
            weights: as in :meth:`query`.
            k: how many.
            options: for :meth:`Store.search`, such as `where`.

        Raises:
            InputError: as in :meth:`query`, or a store of other aspects.
        """
        self._check(store)
        return store.search(self.query(vectors, weights), k, **options)

    def explain(self, store: Store, vectors: Any, ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """The cosine of each document with the query in each aspect, by id.

        Args:
            store: that holds the documents.
            vectors: as in :meth:`query`; aspects that are left out are not told.
            ids: such as those of hits.
        """
        self._check(store)
        told = [name for name in self.names if not isinstance(vectors, Mapping) or name in vectors]
        rows = store.vectors(ids).astype(np.float64)
        cosines = {name: rows @ self.query(vectors, name).astype(np.float64) for name in told}
        return {name: {aspect: float(cosines[aspect][n]) for aspect in told} for n, name in enumerate(ids)}

    def _weights(self, weights: Weights) -> np.ndarray:
        if weights is None:
            return np.full(len(self.names), 1 / len(self.names))
        numbers = {weights: 1.0} if isinstance(weights, str) else weights
        check_keys("`weights`", numbers, self.names)
        for name, number in numbers.items():
            check_finite(f"weights[{name!r}]", number)
        found = np.array([float(numbers.get(name, 0.0)) for name in self.names])
        if not found.any():
            raise InputError("`weights` must not all be 0: no aspect would count.")
        return found

    def _check(self, store: Store) -> None:
        known = store.record.get("aspects")
        if list(known or []) != self.names or store.dim != len(self.names) * self.dim:
            raise InputError(
                f"{store.path} holds the aspects {known} in {store.dim} dimensions, not {self.names} of {self.dim}. "
                "Create it with `model=Aspects(...).model()`, and search with the same aspects."
            )
