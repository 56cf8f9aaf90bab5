"""Classification: what a small probe on frozen vectors can tell apart, or a cross-encoder of several labels."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from accord.core.checks import check_at_least, check_choice, check_positive
from accord.core.errors import InputError
from accord.data.class_numbers import class_numbers
from accord.data.signals import Labelled, Signal
from accord.evaluation.family import EvaluationTask, Job, scores_only
from accord.evaluation.measured import Measured, of_columns, of_predictions, of_values
from accord.evaluation.mteb import few_shot_predictions, few_shot_rows
from accord.evaluation.named import check_columns, metrics_in_order
from accord.evaluation.nearness import read_classes
from accord.evaluation.repeated import Repeated
from accord.maths.probes import logistic_probe, neighbour_probe

__all__ = ["Classification"]

COLUMNS = ("truth", "predicted")
PROBES = ("logistic", "knn")


class Classification(EvaluationTask):
    """Train a probe on the vectors of the train split, count its hits on the test split.

    The encoder stays frozen. Test labels that the train split lacks cannot be told and count as wrong. Texts are
    encoded in the query role.

    A cross-encoder of several labels has its classes already: of rows with two texts (`text2`) its highest score is
    counted, and no probe is trained.

    Against mteb: ten logistic regressions on 8 train rows a label each, on raw vectors; scores are means over the ten
    (an example's accuracy is the share of the ten that were right), and `macro_f1` is called `mean_macro_f1`.

    Also known as: linear probing, transfer evaluation; of pairs of texts, natural language inference (NLI).

    Reference: Conneau & Kiela (2018), SentEval, arXiv:1803.05449; Alain & Bengio (2016) for linear probes.

    Differs from the paper: one probe on all train rows, with fixed regularisation.

    Args:
        probe: "logistic" (a linear map on standardised vectors) or "knn" (votes of the nearest train rows).
        metrics: names or objects of metrics over `truth` and `predicted`.
        primary: the one that decides.
        strength: inverse weight of the L2 penalty of the logistic probe.
        neighbours: voters of the knn probe.
        group: column that names groups of test texts which are not independent.
        against: "mteb" for mteb's protocol.
        per_label: with "mteb", train rows a label in each experiment.

    >>> Classification(probe="knn", neighbours=5)
    Classification(probe='knn', neighbours=5)
    """

    signals: tuple[type[Signal], ...] = (Labelled,)
    learns = True
    takes_classes = True
    mteb_names = MappingProxyType(
        {
            "macro_f1": "f1",
            "mean_macro_f1": "f1",
            "weighted_f1": "f1_weighted",
            "mean_weighted_f1": "f1_weighted",
        }
    )

    def __init__(
        self,
        *,
        probe: str = "logistic",
        metrics: Sequence[Any] = ("accuracy", "macro_f1"),
        primary: Any = "accuracy",
        strength: float = 0.1,
        neighbours: int = 10,
        group: str | None = None,
        against: str | None = None,
        per_label: int = 8,
    ) -> None:
        self.probe = probe
        self.metrics = metrics
        self.primary = primary
        self.strength = strength
        self.neighbours = neighbours
        self.group = group
        self.against = against
        self.per_label = per_label
        check_choice("probe", probe, PROBES)
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Classification", "`accuracy` or `macro_f1`")
        check_positive("strength", strength)
        check_at_least("neighbours", neighbours, 1)
        check_at_least("per_label", per_label, 1)
        self._check_against()
        if against is not None and probe != "logistic":
            raise InputError(f"`against: {against}` probes by logistic regression. Got `probe: {probe}` beside it.")

    def _measure(self, job: Job) -> list[Measured]:
        train, test = job.train, job.test
        if not isinstance(train, Labelled):
            raise InputError(f"Classification needs Labelled as `train`. Got {type(train).__name__} instead.")
        labels, wanted = np.array(train.column("label"), dtype=str), np.array(test.column("label"), dtype=str)
        measures, groups = metrics_in_order(self.metrics, self.primary), self._groups(test, test.ids)
        if scores_only(job.model) or "text2" in test.names:
            truth, predicted = self._pairs(job, labels.tolist(), wanted.tolist())
            return of_predictions(measures, test.ids, truth, predicted, groups)
        known = np.unique(labels)
        if len(known) < 2:
            raise InputError(f"Classification needs at least two labels in the train split. Got one: {known[0]!s:.60}.")
        names = np.concatenate([known, np.setdiff1d(wanted, known)])  # codes of unseen labels come last
        codes = {name: i for i, name in enumerate(names.tolist())}
        learned = np.array([codes[label] for label in labels.tolist()])
        truth = np.array([codes[label] for label in wanted.tolist()])
        if self.against is None:
            predicted = self._probed(job, train.column("text"), learned)
            return of_predictions(measures, test.ids, truth, predicted, groups)
        columns = {f"predicted_{i}": row for i, row in enumerate(self._few_shot(job, train, learned))}
        return [_mean_over(m, test.ids, truth, columns, primary=i == 0, groups=groups) for i, m in enumerate(measures)]

    def _pairs(self, job: Job, learned: list[str], wanted: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Classes of pairs of texts, true and as a cross-encoder says; as the numbers of its labels."""
        if self.against is not None:
            raise InputError(f"`against: {self.against}` knows no classes of pairs of texts. Leave it out.")
        if not scores_only(job.model):
            raise InputError(
                "Classification of pairs of texts needs a cross-encoder with a label a class. Got "
                f"{type(job.model).__name__}, which makes a vector of each text. Leave `text2` out to probe `text`."
            )
        if "text2" not in job.test.names:
            raise InputError(
                f"Classification by {type(job.model).__name__}, which reads two texts together, needs rows of two. "
                "Name the column of the second: columns={'text2': '...'}."
            )
        codes = class_numbers([*learned, *wanted], job.model.labels, where="Classification")
        predicted = read_classes(job.model, job.test.column("text"), job.test.column("text2"), job.progress)
        return np.array([codes[label] for label in wanted]), predicted

    def _probed(self, job: Job, texts: list[str], learned: np.ndarray) -> np.ndarray:
        """What one probe on all train rows says of the test rows."""
        vectors, asked = self._alike(job, texts), self._alike(job, job.test.column("text"))
        if self.probe == "logistic":
            return logistic_probe(vectors, learned, asked, strength=self.strength)
        return neighbour_probe(vectors, learned, asked, neighbours=self.neighbours)

    def _few_shot(self, job: Job, train: Labelled, learned: np.ndarray) -> np.ndarray:
        """(experiments, test rows) predicted codes; only the train rows that are drawn are encoded."""
        parts = few_shot_rows(train.column("label"), per_label=self.per_label)
        used = np.unique(np.concatenate(parts))
        texts = train.column("text")
        vectors = self._alike(job, [texts[row] for row in used])
        asked = self._alike(job, job.test.column("text"))
        return few_shot_predictions(vectors, learned[used], asked, [np.searchsorted(used, part) for part in parts])


def _mean_over(
    metric: Any,
    ids: list[str],
    truth: np.ndarray,
    columns: dict[str, np.ndarray],
    *,
    primary: bool,
    groups: list[str] | None,
) -> Measured:
    """A measurement averaged over experiments."""
    if hasattr(metric, "tradable"):
        return of_columns(Repeated(metric), ids, {"truth": truth, **columns}, primary=primary, groups=groups)
    values = np.mean([metric(truth, column) for column in columns.values()], axis=0)
    return of_values(metric, ids, values, primary=primary, groups=groups)
