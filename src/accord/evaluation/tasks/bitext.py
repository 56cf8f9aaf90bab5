"""Bitext: each text finds its translation among all translations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.core.types import Encodes
from accord.data.signals import Pairs, Signal
from accord.evaluation.encoding import encode_queries, similarity_kind
from accord.evaluation.measured import Measured, of_predictions
from accord.evaluation.named import check_columns, metrics_in_order
from accord.evaluation.relevance import search_test
from accord.maths.nearest import nearest
from accord.maths.ranks import id_order

__all__ = ["Bitext"]

COLUMNS = ("truth", "predicted")


class Bitext(Described):
    """The nearest positive of each anchor, right where it is one of the anchor's own.

    Equal anchors are one example and equal positives one candidate; an anchor with several positives is right with any
    of them. The task is symmetric, so both sides are encoded in the query role.

    Also known as: bitext mining, translation retrieval, Tatoeba.

    Reference: Artetxe & Schwenk (2019), Massively multilingual sentence embeddings, arXiv:1812.10464, section 4.3.

    Differs from the paper: plain nearest neighbour from anchor to positive; one direction.

    Args:
        metrics: names or objects of metrics over `truth` and `predicted`.
        primary: the one that decides.

    >>> Bitext(primary="weighted_f1")
    Bitext(primary='weighted_f1')
    """

    signals: tuple[type[Signal], ...] = (Pairs,)

    def __init__(self, *, metrics: Sequence[Any] = ("accuracy", "weighted_f1"), primary: Any = "accuracy") -> None:
        self.metrics = metrics
        self.primary = primary
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Bitext", "`accuracy` or `weighted_f1`")

    def evaluate(
        self,
        model: Encodes,
        *,
        train: Signal | None = None,
        test: Signal,
        seed: int = 0,
        prompts: tuple[str | None, str | None] | None = None,
        progress: Progress = silent,
    ) -> list[Measured]:
        """Find the translation of each test anchor.

        Args:
            model: what is measured.
            train: not used.
            test: pairs.
            seed: not used; nothing is drawn.
            prompts: names of the prompts for anchors and for positives; the model's own choice when None.
            progress: told of encoding and searching.

        Returns:
            A measurement a metric, the primary one first; one example a distinct anchor.

        Raises:
            InputError: another kind of signal, or a single candidate.
        """
        del train, seed
        if not isinstance(test, Pairs):
            raise InputError(f"Bitext is measured on Pairs. Got {type(test).__name__} instead.")
        asked = search_test(test)
        if len(asked.documents) < 2:
            raise InputError("Bitext needs at least two different positives to choose from. The test split has one.")
        kept = asked.answerable()
        anchor_prompt, positive_prompt = prompts or (None, None)
        anchors = encode_queries(model, [asked.queries[i] for i in kept], anchor_prompt, progress)
        positives = encode_queries(model, asked.documents, positive_prompt, progress)
        order = id_order(asked.document_ids)
        found, _ = nearest(anchors, positives, 1, order=order, kind=similarity_kind(model), progress=progress)
        own = [{d for d, grade in asked.relevance[i].items() if grade > 0} for i in kept]
        predicted = found[:, 0]
        truth = np.array([p if p in right else min(right) for p, right in zip(predicted.tolist(), own)])
        ids = [asked.query_ids[i] for i in kept]
        return of_predictions(metrics_in_order(self.metrics, self.primary), ids, truth, predicted)
