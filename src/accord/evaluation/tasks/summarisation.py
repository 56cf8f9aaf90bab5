"""Summarisation: whether nearness to people's summaries follows people's judgement of machine summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.data.signals import Ranked, Signal
from accord.evaluation.encoding import similarity_kind
from accord.evaluation.family import EvaluationTask, Job, scores_only
from accord.evaluation.measured import Measured, of_values
from accord.evaluation.named import check_columns, metrics_in_order
from accord.evaluation.nearness import read_scores, vector_scores

__all__ = ["Summarisation"]

COLUMNS = ("gold", "similarity")


class Summarisation(EvaluationTask):
    """For each text, correlate what people gave its machine summaries with their nearness to people's summaries.

    The rows are lists: `query` the text, `pos` the summaries by people, `neg` the summaries by machines and
    `neg_scores` what people gave each of these. For the usual file of columns text, human_summaries, machine_summaries
    and relevance, the recipe says ``signal: Ranked`` and ``columns: {query: text, pos: human_summaries, neg:
    machine_summaries, neg_scores: relevance}``. The nearness of a summary is its highest similarity to any of the
    summaries by people, all encoded in the query role; a cross-encoder reads both. The text itself is not encoded. A
    text whose summaries people all gave the same is left out; one that the model cannot tell apart counts 0.

    Against mteb: what the model cannot tell apart is left out too, and texts have no role.

    Also known as: SummEval, correlation with human judgement.

    Reference: Fabbri et al. (2021), SummEval, arXiv:2007.12626; Muennighoff et al. (2023), MTEB, arXiv:2210.07316,
    section 3.2, for the protocol.

    Differs from the paper: a correlation a text, then the mean over texts.

    Args:
        metrics: `spearman` and `pearson`; one value a text.
        primary: the one that decides.
        group: column that names groups of texts which are not independent.
        against: "mteb" for mteb's protocol.

    >>> Summarisation(primary="pearson")
    Summarisation(primary='pearson')
    """

    signals: tuple[type[Signal], ...] = (Ranked,)
    takes_scores = True

    def __init__(
        self,
        *,
        metrics: Sequence[Any] = ("spearman", "pearson"),
        primary: Any = "spearman",
        group: str | None = None,
        against: str | None = None,
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.group = group
        self.against = against
        check_columns(metrics_in_order(metrics, primary), COLUMNS, "Summarisation", "`spearman` or `pearson`")
        self._check_against()

    def _measure(self, job: Job) -> list[Measured]:
        test = _judged(job.test)
        nearness = self._nearness(job, test)
        kept = list(range(len(test)))
        gold = [np.array(row, dtype=np.float64) for row in test.column("neg_scores")]
        if self.against is not None:
            kept = [i for i in kept if np.ptp(nearness[i]) > 0]
            if not kept:
                raise InputError("The model gives every summary of a text the same nearness: mteb has no score for it.")
        ids = [test.ids[i] for i in kept]
        groups = self._groups(test, ids)
        measures = metrics_in_order(self.metrics, self.primary)
        values = [np.array([m(gold[i], nearness[i]) for i in kept]) for m in measures]
        return [of_values(m, ids, values[i], primary=i == 0, groups=groups) for i, m in enumerate(measures)]

    def _nearness(self, job: Job, test: Signal) -> list[np.ndarray]:
        """For each text, the highest similarity of each machine summary to a summary by people."""
        human, machine = test.column("pos"), test.column("neg")
        pairs = [(m, h) for ours, theirs in zip(machine, human) for m in ours for h in theirs]
        if scores_only(job.model):
            scores = read_scores(job.model, [h for _, h in pairs], [m for m, _ in pairs], job.progress)
        else:
            left = self._alike(job, [text for texts in machine for text in texts], 1)
            right = self._alike(job, [text for texts in human for text in texts])
            scores = _all_with_all(left, right, [len(x) for x in machine], [len(x) for x in human], job.model)
        found, start = [], 0
        for ours, theirs in zip(machine, human):
            stop = start + len(ours) * len(theirs)
            found.append(scores[start:stop].reshape(len(ours), len(theirs)).max(axis=1).astype(np.float64))
            start = stop
        return found


def _all_with_all(
    left: np.ndarray, right: np.ndarray, ours: Sequence[int], theirs: Sequence[int], model: object
) -> np.ndarray:
    """Scores of each machine summary with each of its text's summaries by people, laid end to end."""
    first, second = np.cumsum([0, *ours]), np.cumsum([0, *theirs])
    rows = [
        (np.repeat(np.arange(first[i], first[i + 1]), n), np.tile(np.arange(second[i], second[i + 1]), m))
        for i, (m, n) in enumerate(zip(ours, theirs))
    ]
    a, b = (np.concatenate(part) for part in zip(*rows))
    return vector_scores(left[a], right[b], similarity_kind(model))


def _judged(test: Signal) -> Signal:
    """The texts whose machine summaries people told apart.

    Raises:
        InputError: no `neg_scores`, or no such text.
    """
    if "neg_scores" not in test.table.column_names:
        raise InputError(
            "Summarisation needs `neg_scores`: what people gave each machine summary (`neg`). Name its column under "
            "`columns`."
        )
    kept = [i for i, row in enumerate(test.column("neg_scores")) if row and min(row) < max(row)]
    if not kept:
        raise InputError("People gave all machine summaries of each text the same score: there is nothing to follow.")
    return test.take(kept)
