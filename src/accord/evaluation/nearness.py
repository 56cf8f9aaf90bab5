"""How near two texts are, row by row: by the vectors of an encoder or by a model that scores pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.maths.nearest import row_scores

__all__ = ["NEARNESS", "read_classes", "read_scores", "vector_scores"]

NEARNESS = ("cosine", "dot", "euclidean", "manhattan")


def vector_scores(left: np.ndarray, right: np.ndarray, kind: str) -> np.ndarray:
    """Score of row i of `left` with row i of `right`, larger for the nearer.

    Args:
        left: (n, dim).
        right: (n, dim).
        kind: "cosine", "dot", "euclidean" or "manhattan" (minus the distance).

    Returns:
        (n,) float32.

    >>> vector_scores(np.array([[0.0, 3.0]]), np.array([[4.0, 0.0]]), "euclidean").tolist()
    [-5.0]
    """
    check_choice("similarity", kind, NEARNESS)
    if kind in {"cosine", "dot"}:
        return row_scores(left, right, kind=kind)
    apart = np.asarray(left, np.float32) - np.asarray(right, np.float32)
    return -np.linalg.norm(apart, axis=1) if kind == "euclidean" else -np.abs(apart).sum(axis=1)


def read_scores(model: Any, left: Sequence[str], right: Sequence[str], progress: Progress = silent) -> np.ndarray:
    """What a cross-encoder says of each pair of texts, each distinct pair read once.

    Args:
        model: with ``score(left, right)``.
        left: first texts.
        right: second texts.
        progress: told of scoring.

    Returns:
        (n,) float32.

    Raises:
        InputError: several scores a pair, or scores that are not numbers.

    >>> class Lengths:
    ...     def score(self, left, right, *, progress=None):
    ...         return np.array([[float(len(a) - len(b))] for a, b in zip(left, right)])
    >>> read_scores(Lengths(), ["abc", "abc"], ["a", "a"]).tolist()
    [2.0, 2.0]
    """
    found, rows = _read(model, left, right, progress)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise InputError(
            f"The model must give one score a pair, ({len(found)},). Got {found.shape}: a model of several labels "
            "classifies pairs and does not rank them."
        )
    return found[rows]


def read_classes(model: Any, left: Sequence[str], right: Sequence[str], progress: Progress = silent) -> np.ndarray:
    """The class that a cross-encoder of several labels gives each pair of texts, each distinct pair read once.

    Args:
        model: with ``score(left, right)``, a score a label.
        left: first texts.
        right: second texts.
        progress: told of scoring.

    Returns:
        (n,) number of the label with the highest score, the first of equal ones.

    Raises:
        InputError: one score a pair, or scores that are not numbers.

    >>> class Order:
    ...     def score(self, left, right, *, progress=None):
    ...         return np.array([[a < b, a == b, a > b] for a, b in zip(left, right)])
    >>> read_classes(Order(), ["b", "a", "b"], ["a", "a", "a"]).tolist()
    [2, 1, 2]
    """
    found, rows = _read(model, left, right, progress)
    if found.ndim != 2 or found.shape[1] < 2:
        raise InputError(
            "The model must give a score for each class of a pair. It gives one score a pair: it ranks pairs and does "
            "not classify them."
        )
    return found.argmax(axis=1)[rows]


def _read(model: Any, left: Sequence[str], right: Sequence[str], progress: Progress) -> tuple[np.ndarray, list[int]]:
    """The model's scores of each distinct pair, and the place of each pair among these."""
    place = {pair: i for i, pair in enumerate(dict.fromkeys(zip(left, right)))}
    score: Callable[..., np.ndarray] = model.score
    found = np.asarray(score([a for a, _ in place], [b for _, b in place], progress=progress), dtype=np.float32)
    if not found.ndim or len(found) != len(place):
        raise InputError(f"The model must give one score a pair, ({len(place)},). Got {found.shape}.")
    if not np.isfinite(found).all():
        raise InputError("The model gave NaN or infinity as a score.")
    return found, [place[pair] for pair in zip(left, right)]
