"""Bitext: each text finds its translation among all translations."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.data.signals import Pairs, Signal
from accord.evaluation.encoding import similarity_kind
from accord.evaluation.family import EvaluationTask, Job
from accord.evaluation.measured import Measured, of_predictions
from accord.evaluation.mteb import nearest_translations
from accord.evaluation.named import check_columns, metrics_in_order
from accord.evaluation.relevance import search_test
from accord.maths.nearest import nearest
from accord.maths.ranks import id_order

__all__ = ["Bitext"]

COLUMNS = ("truth", "predicted")


class Bitext(EvaluationTask):
    """The nearest positive of each anchor, right where it is one of the anchor's own.

    Equal anchors are one example and equal positives one candidate; an anchor with several positives is right with any
    of them. The task is symmetric, so both sides are encoded in the query role. Translations of one thing into many
    languages succeed and fail together: name the column that says which thing it is as `group`.

    Against mteb: row i is right with row i only, although another row may hold the same text; texts have no role.

    Also known as: bitext mining, translation retrieval, Tatoeba, TranslationEvaluator.

    Reference: Artetxe & Schwenk (2019), Massively multilingual sentence embeddings, arXiv:1812.10464, section 4.3.

    Differs from the paper: plain nearest neighbour from anchor to positive; one direction.

    Args:
        metrics: names or objects of metrics over `truth` and `predicted`.
        primary: the one that decides.
        group: column that names groups of anchors which are not independent, such as the entity they name.
        against: "mteb" for mteb's protocol, whose main score is `weighted_f1`.

    >>> Bitext(primary="weighted_f1")
    Bitext(primary='weighted_f1')
    """

    signals: tuple[type[Signal], ...] = (Pairs,)
    mteb_names = MappingProxyType({"weighted_f1": "f1"})

    def __init__(
        self,
        *,
        metrics: Sequence[Any] = ("accuracy", "weighted_f1"),
        primary: Any = "accuracy",
        group: str | None = None,
        against: str | None = None,
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.group = group
        self.against = against
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Bitext", "`accuracy` or `weighted_f1`")
        self._check_against()

    def _measure(self, job: Job) -> list[Measured]:
        if len(set(job.test.column("positive"))) < 2:
            raise InputError("Bitext needs at least two different positives to choose from. The test split has one.")
        ids, truth, predicted = self._any_of_its_own(job) if self.against is None else self._row_by_row(job)
        groups = self._groups(job.test, ids)
        return of_predictions(metrics_in_order(self.metrics, self.primary), ids, truth, predicted, groups)

    def _any_of_its_own(self, job: Job) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Ids of the distinct anchors, a right candidate and the found one."""
        asked = search_test(job.test)
        kept = asked.answerable()
        anchors = self._alike(job, [asked.queries[i] for i in kept])
        positives = self._alike(job, asked.documents, 1)
        order = id_order(asked.document_ids)
        kind = similarity_kind(job.model)
        found, _ = nearest(anchors, positives, 1, order=order, kind=kind, progress=job.progress)
        own = [{d for d, grade in asked.relevance[i].items() if grade > 0} for i in kept]
        predicted = found[:, 0]
        truth = np.array([p if p in right else min(right) for p, right in zip(predicted.tolist(), own)])
        return [asked.query_ids[i] for i in kept], truth, predicted

    def _row_by_row(self, job: Job) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Ids of the rows, their numbers and the numbers found."""
        anchors = self._alike(job, job.test.column("anchor"))
        positives = self._alike(job, job.test.column("positive"), 1)
        found = nearest_translations(anchors, positives, kind=similarity_kind(job.model))
        return job.test.ids, np.arange(len(job.test)), found
