"""Which expert a text is for: a small classifier on the shared model's vectors."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least, check_fraction, check_positive
from accord.core.errors import InputError
from accord.core.random import derive
from accord.core.spec import Described

__all__ = ["FittedRouter", "Router"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FittedRouter:
    """A router that has learned: one or two linear maps and a softmax.

    Args:
        tasks: names of the experts, in the order of the columns.
        layers: (weights (inner, outer), bias (outer)) of each map; a rectifier stands between two.
        accuracy: share of held-out texts that went to their own task's expert; None where none were held out.
        largest: share of the most frequent task among them: what sending all texts to one expert would reach.
        texts: that it learned from.
    """

    tasks: tuple[str, ...]
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    accuracy: float | None
    largest: float
    texts: int

    def probabilities(self, vectors: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n tasks"]:
        """How likely each text is of each task; rows sum to 1."""
        found = np.asarray(vectors, dtype=np.float64)
        for number, (weights, bias) in enumerate(self.layers):
            found = (np.maximum(found, 0.0) if number else found) @ weights + bias
        found = np.exp(found - found.max(axis=1, keepdims=True))
        return found / found.sum(axis=1, keepdims=True)


class Router(Described):
    """A classifier from the shared model's vectors to tasks, on standardised dimensions.

    Reference: Lu et al. (2024), Twin-Merging, arXiv:2406.15479 (a router on the last hidden states).

    Differs from the paper: the input is the finished vector of the shared model; one hidden layer, by scikit-learn, in
    place of two with batch normalisation, or none at all.

    Args:
        hidden: units of the hidden layer; 0 for logistic regression.
        strength: inverse weight of the L2 penalty, > 0.
        held_out: share of the texts that the reported accuracy comes from; the router is then fitted on all of them.

    Raises:
        InputError: a number out of range.
    """

    def __init__(self, *, hidden: int = 0, strength: float = 1.0, held_out: float = 0.2) -> None:
        check_at_least("hidden", hidden, 0)
        check_positive("strength", strength)
        check_fraction("held_out", held_out)
        if held_out == 1:
            raise InputError(f"`held_out` must be below 1. Got {held_out!r} instead.")
        self.hidden = hidden
        self.strength = strength
        self.held_out = held_out

    def fit(self, vectors: Mapping[str, Float[np.ndarray, "n dim"]], *, seed: int = 0) -> FittedRouter:
        """Learn from vectors of each task's texts; a few hundred a task are usually enough.

        Args:
            vectors: of the shared model, by task.
            seed: of the held-out part and of the hidden layer.

        Raises:
            InputError: fewer than two tasks, or a task with fewer than five texts.
        """
        tasks = tuple(vectors)
        few = [task for task in tasks if len(vectors[task]) < 5]
        if len(tasks) < 2 or few:
            what = f"Got {len(vectors[few[0]])} of {few[0]!r}" if few else f"Got {len(tasks)} task(s)"
            raise InputError(f"A router needs two tasks with at least five texts each. {what}.")
        x = np.concatenate([np.asarray(vectors[task], dtype=np.float64) for task in tasks])
        y = np.repeat(np.arange(len(tasks)), [len(vectors[task]) for task in tasks])
        accuracy, largest = None, np.bincount(y).max() / len(y)
        if self.held_out:
            accuracy, largest = self._held_out(x, y, tasks, seed)
        return FittedRouter(tasks, self._fit(x, y, seed), accuracy, float(largest), len(y))

    def _held_out(self, x: np.ndarray, y: np.ndarray, tasks: Sequence[str], seed: int) -> tuple[float, float]:
        from sklearn.model_selection import train_test_split

        share = max(self.held_out, len(tasks) / len(y))
        state = derive(seed, "router") % 2**32
        learn, judge = train_test_split(np.arange(len(y)), test_size=share, stratify=y, random_state=state)
        probe = FittedRouter(tuple(tasks), self._fit(x[learn], y[learn], seed), None, 0.0, len(learn))
        hits = probe.probabilities(x[judge]).argmax(axis=1) == y[judge]
        return float(hits.mean()), float(np.bincount(y[judge]).max() / len(judge))

    def _fit(self, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """The maps on plain vectors: what standardises them is folded into the first."""
        from sklearn.exceptions import ConvergenceWarning

        centre, spread = x.mean(axis=0), x.std(axis=0)
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-12)
        model = self._model(len(y), derive(seed, "router", "weights") % 2**32)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit((x - centre) * scale, y)
        if any(issubclass(one.category, ConvergenceWarning) for one in caught):
            log.warning("The router stopped before it had settled; its accuracy says whether that matters.")
        layers = _layers(model)
        weights, bias = layers[0]
        return ((scale[:, None] * weights, bias - (centre * scale) @ weights), *layers[1:])

    def _model(self, texts: int, state: int) -> Any:
        if not self.hidden:
            from sklearn.linear_model import LogisticRegression

            return LogisticRegression(C=self.strength, max_iter=1000)
        from sklearn.neural_network import MLPClassifier

        perceptron: Any = MLPClassifier  # its stubs know words for `batch_size` only
        return perceptron((self.hidden,), alpha=1.0 / self.strength, batch_size=min(200, texts), random_state=state)


def _layers(model: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases; of two classes scikit-learn keeps one column, which is shared out to both here."""
    if hasattr(model, "coefs_"):
        layers = [(np.asarray(w), np.asarray(b)) for w, b in zip(model.coefs_, model.intercepts_)]
    else:
        layers = [(model.coef_.T, model.intercept_)]
    weights, bias = layers[-1]
    if weights.shape[1] == 1:
        layers[-1] = (np.hstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2]))
    return layers
