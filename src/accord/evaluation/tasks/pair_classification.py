"""Pair classification: whether a threshold on nearness tells pairs that belong together from those that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.data.signals import Scored, Signal
from accord.evaluation.encoding import similarity_kind
from accord.evaluation.family import EvaluationTask, Job, scores_only
from accord.evaluation.measured import Measured, of_columns, of_values
from accord.evaluation.metrics import BestAccuracy, BestF1
from accord.evaluation.mteb import pair_nearness
from accord.evaluation.named import metrics_in_order
from accord.evaluation.nearness import NEARNESS, read_scores, vector_scores
from accord.maths.thresholds import best_threshold

__all__ = ["PairClassification"]

SIMILARITIES = ("model", *NEARNESS, "best")
METRICS = ("average_precision", "binary_f1", "accuracy", "best_f1", "best_accuracy")
THRESHOLDS = {"binary_f1": "f1", "accuracy": "accuracy"}
ON_TEST = {"binary_f1": BestF1(), "accuracy": BestAccuracy()}


class PairClassification(EvaluationTask):
    """Average precision of nearness, and F1 and accuracy at a threshold that other rows decided.

    A `score` of 1 says that the two texts belong together, 0 that they do not. The thresholds for `binary_f1` and
    `accuracy` are those of the best F1 and the best accuracy on the rows given as `train` (a recipe gives its dev rows
    where it has a hundred, else its train rows); the test rows decide nothing. Both texts are encoded in the query
    role; a cross-encoder is measured by its scores.

    Against mteb: the thresholds are looked up on the test rows themselves, which flatters, so `binary_f1` and
    `accuracy` are then reported as `best_f1` and `best_accuracy`; texts have no role. `similarity="best"` gives mteb's
    `max_ap` and its like.

    Also known as: paraphrase identification, duplicate detection, BinaryClassificationEvaluator.

    Reference: Muennighoff et al. (2023), MTEB, arXiv:2210.07316, section 3.2.

    Differs from the paper: thresholds come from other rows than the score.

    Args:
        metrics: among `average_precision`, `binary_f1`, `accuracy`, `best_f1` and `best_accuracy`.
        primary: the one that decides.
        similarity: "model" (what the model was made for), "cosine", "dot", "euclidean", "manhattan", or "best": for
            each metric the one that does best on the rows that thresholds come from.
        tune_rows: most rows that a threshold is looked up on.
        group: column that names groups of pairs which are not independent.
        against: "mteb" for mteb's protocol.

    >>> PairClassification(similarity="cosine")
    PairClassification(similarity='cosine')
    """

    signals: tuple[type[Signal], ...] = (Scored,)
    learns = True
    tunes = True
    takes_scores = True

    def __init__(
        self,
        *,
        metrics: Sequence[Any] = ("average_precision", "binary_f1", "accuracy"),
        primary: Any = "average_precision",
        similarity: str = "model",
        tune_rows: int = 5000,
        group: str | None = None,
        against: str | None = None,
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.similarity = similarity
        self.tune_rows = tune_rows
        self.group = group
        self.against = against
        for made in metrics_in_order(metrics, primary):
            if str(made) not in METRICS:
                raise InputError(f"`metrics` of PairClassification are among {', '.join(METRICS)}. Got {made} instead.")
        check_choice("similarity", similarity, SIMILARITIES)
        check_at_least("tune_rows", tune_rows, 2)
        self._check_against()

    @property
    def mteb_names(self) -> Mapping[str, str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Metric -> its name in mteb's result files, which names the similarity too."""
        prefix = {"model": "similarity", "best": "max"}.get(self.similarity, self.similarity)
        return {"average_precision": f"{prefix}_ap", "best_f1": f"{prefix}_f1", "best_accuracy": f"{prefix}_accuracy"}

    def _measure(self, job: Job) -> list[Measured]:
        label, ids = _labels(job.test, "the test split"), job.test.ids
        found = self._nearness(job, job.test)
        measures = metrics_in_order(self.metrics, self.primary)
        if self.against is not None:
            measures = [ON_TEST.get(str(m), m) for m in measures]
            measures = metrics_in_order(measures, measures[0])
            tuning = _Tuning(label, found)
        else:
            tuning = self._tuning(job, measures)
        groups, measured = self._groups(job.test, ids), []
        for i, metric in enumerate(measures):
            wanted = THRESHOLDS.get(str(metric))
            kind = next(iter(found)) if len(found) == 1 else tuning.best_kind(ON_TEST.get(str(metric), metric))
            if wanted is None:
                columns = {"label": label, "similarity": found[kind]}
                measured.append(of_columns(metric, ids, columns, primary=i == 0, groups=groups))
            else:
                predicted = (found[kind] > tuning.threshold(kind, wanted)).astype(np.int64)
                measured.append(_of_predictions(metric, ids, (label, predicted), primary=i == 0, groups=groups))
        return measured

    def _nearness(self, job: Job, rows: Signal) -> dict[str, np.ndarray]:
        """Scores of each pair by every similarity that is asked for."""
        first, second = rows.column("text1"), rows.column("text2")
        if scores_only(job.model):
            return {"score": read_scores(job.model, first, second, job.progress)}
        left, right = self._alike(job, first), self._alike(job, second, 1)
        named = similarity_kind(job.model) if self.similarity == "model" else self.similarity
        kinds = NEARNESS if named == "best" else (named,)
        if self.against is not None:
            found = pair_nearness(left, right)
            return {kind: found[kind] for kind in kinds}
        return {kind: vector_scores(left, right, kind) for kind in kinds}

    def _tuning(self, job: Job, measures: Sequence[Any]) -> _Tuning:
        """The rows that thresholds are looked up on; none where no metric asks for any."""
        if self.similarity != "best" and not any(str(m) in THRESHOLDS for m in measures):
            return _Tuning(np.zeros(0, dtype=np.int64), {})
        if not isinstance(job.train, Scored):
            raise InputError(
                f"PairClassification needs Scored as `train`, to find the threshold of {', '.join(THRESHOLDS)} on. Got "
                f"{type(job.train).__name__} instead. Leave these metrics out to measure without."
            )
        kept = np.linspace(0, len(job.train) - 1, min(self.tune_rows, len(job.train))).astype(np.int64)
        rows = job.train.take(kept)
        return _Tuning(_labels(rows, "the rows to tune on"), self._nearness(job, rows))


@dataclass(frozen=True)
class _Tuning:
    """Labels and scores, by similarity, of the rows that thresholds come from."""

    label: np.ndarray
    found: Mapping[str, np.ndarray]

    def best_kind(self, metric: Any) -> str:
        return max(self.found, key=lambda kind: metric(self.label, self.found[kind]))

    def threshold(self, kind: str, measure: str) -> float:
        return best_threshold(self.label, self.found[kind], measure)


def _labels(rows: Signal, which: str) -> np.ndarray:
    """(n,) 0 or 1, both of which occur.

    Raises:
        InputError: another score, or a single one.
    """
    label = np.array(rows.column("score"), dtype=np.float64)
    other = np.flatnonzero((label != 0) & (label != 1))
    if len(other):
        raise InputError(
            f"PairClassification needs a `score` of 0 or 1. Row {rows.ids[other[0]]!r} of {which} has "
            f"{label[other[0]]:g}; Similarity measures graded scores."
        )
    if len(np.unique(label)) < 2:
        raise InputError(f"PairClassification needs pairs of both kinds. In {which} all are {label[0]:g}.")
    return label.astype(np.int64)


def _of_predictions(
    metric: Any, ids: list[str], columns: tuple[np.ndarray, np.ndarray], *, primary: bool, groups: list[str] | None
) -> Measured:
    if hasattr(metric, "tradable"):
        return of_columns(metric, ids, dict(zip(("truth", "predicted"), columns)), primary=primary, groups=groups)
    return of_values(metric, ids, metric(*columns), primary=primary, groups=groups)
