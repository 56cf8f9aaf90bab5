"""How claims judge a model: one value an example, whatever the measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.pseudo import spearman_values

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Labelled, Pairs, Scored

__all__ = ["label_values", "mean", "search_values", "similarity_values"]


def search_values(model: TextEncoder, tests: Mapping[str, Pairs], metric: str = "nDCG@10") -> dict[str, list[float]]:
    """A ranking metric of each query, by task."""
    from accord import Retrieval

    search = Retrieval(metrics=[metric], primary=metric)
    judged = _quick(model)
    return {name: search.evaluate(judged, test=test)[0].columns["value"].tolist() for name, test in tests.items()}


def similarity_values(model: TextEncoder, tests: Mapping[str, Scored]) -> dict[str, list[float]]:
    """How much each pair adds to Spearman's correlation of cosine and gold score, by task."""
    found, judged = {}, _quick(model)
    for name, test in tests.items():
        texts = [*test.column("text1"), *test.column("text2")]
        vectors = judged.encode(list(dict.fromkeys(texts)))
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
        place = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        left, right = (vectors[[place[t] for t in test.column(side)]] for side in ("text1", "text2"))
        gold = np.asarray(test.column("score"), dtype=float)
        found[name] = spearman_values((left * right).sum(axis=1), gold).tolist()
    return found


def label_values(
    model: TextEncoder, tests: Mapping[str, tuple[Labelled, Labelled]], *, seed: int = 0
) -> dict[str, list[float]]:
    """Whether a logistic probe, fitted on the first part, finds the label of each text of the second, by task."""
    from accord.evaluation import Classification

    probe, judged = Classification(metrics=["accuracy"], primary="accuracy"), _quick(model)
    return {
        name: probe.evaluate(judged, train=train, test=test, seed=seed)[0].columns["value"].tolist()
        for name, (train, test) in tests.items()
    }


def _quick(model: Any) -> Any:
    """The model, in bfloat16 where the processor has it and a probe of the texts allows it, as in an evaluation."""
    from accord import TextEncoder
    from accord.recipes.evaluate import AtPrecision

    return AtPrecision(model, "auto") if isinstance(model, TextEncoder) else model


def mean(values: Mapping[str, list[float]]) -> float:
    """The mean over tasks of their means."""
    return float(np.mean([np.mean(of) for of in values.values()]))
