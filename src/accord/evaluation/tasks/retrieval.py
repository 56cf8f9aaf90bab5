"""Retrieval: queries look for their documents in a collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.core.types import Ranks
from accord.data.signals import Pairs, Ranked, Signal
from accord.evaluation.base import RankingMetric
from accord.evaluation.encoding import encode_documents, encode_queries, similarity_kind
from accord.evaluation.family import EvaluationTask, Job
from accord.evaluation.judged import judged_ranking
from accord.evaluation.measured import Measured, of_values
from accord.evaluation.named import check_kind, metrics_in_order
from accord.evaluation.relevance import SearchTest, named_test, search_test
from accord.maths.nearest import nearest
from accord.maths.ranks import id_order

__all__ = ["Retrieval"]

CANDIDATES = 1000


class Retrieval(EvaluationTask):
    """Exact search of every test query over every test document.

    Queries are the distinct anchors, documents the distinct positives and the corpus, if the pairs have one; texts
    that differ in case or spaces only are one. A query with several positives has several relevant documents, graded
    by `score` where there is one; a query without any is left out. A document that equals the query's own text is
    removed from that query's ranking before the cut, unless it was judged relevant. Ties go to the larger document
    identifier, as in trec_eval.

    Against mteb: queries and documents are told apart by `query_id` and `document_id` (else by exact text), so that
    copies compete; a query finds itself; judged queries without a relevant document count 0.

    Also known as: information retrieval, passage search, asymmetric search, InformationRetrievalEvaluator.

    Reference: Thakur et al. (2021), BEIR, arXiv:2104.08663.

    Differs from the paper: queries are encoded in the query role, documents in the document role; the similarity is
    the model's own (cosine or dot); the self-hit goes before the cut, not after. A model that comes with a search of
    its own (:class:`~accord.core.types.Ranks`) is measured by that search.

    Args:
        metrics: names or objects of ranking metrics.
        primary: the one that decides; added when it is not among `metrics`.
        group: column that names groups of queries which are not independent.
        against: "mteb" for mteb's protocol.
        ignore_identical_ids: with "mteb" only: drop a document with the identifier of the query, after the cut.

    >>> Retrieval(primary="MRR@10")
    Retrieval(primary='MRR@10')
    """

    signals: tuple[type[Signal], ...] = (Pairs, Ranked)

    def __init__(
        self,
        *,
        metrics: Sequence[Any] = ("nDCG@10", "MRR@10", "Recall@10"),
        primary: Any = "nDCG@10",
        group: str | None = None,
        against: str | None = None,
        ignore_identical_ids: bool = False,
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        self.group = group
        self.against = against
        self.ignore_identical_ids = ignore_identical_ids
        check_kind(metrics_in_order(metrics, primary), RankingMetric, "Retrieval", "a ranking metric such as `nDCG@10`")
        self._check_against()
        if ignore_identical_ids and against is None:
            raise InputError(
                "`ignore_identical_ids` belongs to `against: mteb`; by itself Retrieval removes what equals the query."
            )

    def _measure(self, job: Job) -> list[Measured]:
        measures = metrics_in_order(self.metrics, self.primary)
        depth = max(m.k for m in measures)
        asked = search_test(job.test) if self.against is None else named_test(job.test)
        kept = asked.answerable() if self.against is None else np.arange(len(asked.queries))
        ranking = self._ranking(job, asked, kept, depth)
        judged = judged_ranking(ranking, [asked.relevance[i] for i in kept], depth=depth)
        ids = [asked.query_ids[i] for i in kept]
        groups = self._groups(job.test, ids)
        return [of_values(m, ids, m(judged), primary=i == 0, groups=groups) for i, m in enumerate(measures)]

    def _ranking(self, job: Job, asked: SearchTest, kept: np.ndarray, depth: int) -> np.ndarray:
        """(queries, depth) document numbers, best first."""
        wanted, order = [asked.queries[i] for i in kept], id_order(asked.document_ids)
        ranks: object = job.model
        if isinstance(ranks, Ranks) and self.against is None:
            own = asked.own_documents()[kept]
            return ranks.rank_texts(wanted, asked.documents, depth, order=order, leave_out=own, prompts=job.prompts)
        queries = encode_queries(job.model, wanted, job.prompts[0], job.progress)
        documents = encode_documents(job.model, asked.documents, job.prompts[1], job.progress)
        ranking, _ = nearest(
            queries,
            documents,
            max(depth, CANDIDATES) if self.ignore_identical_ids else depth,
            order=order,
            leave_out=asked.own_documents()[kept] if self.against is None else None,
            kind=similarity_kind(job.model),
            progress=job.progress,
        )
        return _without(ranking, asked.same_key()[kept]) if self.ignore_identical_ids else ranking


def _without(ranking: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Rankings in which one document of each is taken out and the others move up."""
    gone = ranking == own[:, None]
    order = np.argsort(gone, axis=1, kind="stable")
    return np.take_along_axis(np.where(gone, -1, ranking), order, axis=1)
