"""Retrieval: each query searches all documents; ranking metrics, one value a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.core.types import Encodes
from accord.data.signals import Pairs, Ranked, Signal
from accord.evaluation.base import RankingMetric
from accord.evaluation.encoding import encode_documents, encode_queries, similarity_kind
from accord.evaluation.judged import judged_ranking
from accord.evaluation.measured import Measured, of_values
from accord.evaluation.named import check_kind, metrics_in_order
from accord.evaluation.relevance import search_test
from accord.maths.nearest import nearest
from accord.maths.ranks import id_order

__all__ = ["Retrieval"]


class Retrieval(Described):
    """Exact search of every test query over every test document.

    Queries are the distinct anchors, documents the distinct positives and the corpus, if the pairs have one; texts
    that differ in case or spaces only are one. A query with several positives has several relevant documents, graded
    by `score` where there is one; a query without any is left out. A document that equals the query's own text is
    removed from that query's ranking before the cut, unless it was judged relevant. Ties go to the larger document
    identifier, as in trec_eval.

    Also known as: information retrieval, passage search, asymmetric search.

    Reference: Thakur et al. (2021), BEIR, arXiv:2104.08663.

    Differs from the paper: queries are encoded in the query role, documents in the document role; the similarity is
    the model's own (cosine or dot); the self-hit goes before the cut, not after.

    Args:
        metrics: names or objects of ranking metrics.
        primary: the one that decides; added when it is not among `metrics`.

    >>> Retrieval(primary="MRR@10")
    Retrieval(primary='MRR@10')
    """

    signals: tuple[type[Signal], ...] = (Pairs, Ranked)

    def __init__(
        self, *, metrics: Sequence[Any] = ("nDCG@10", "MRR@10", "Recall@10"), primary: Any = "nDCG@10"
    ) -> None:
        self.metrics = metrics
        self.primary = primary
        check_kind(metrics_in_order(metrics, primary), RankingMetric, "Retrieval", "a ranking metric such as `nDCG@10`")

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
        """Search the test documents with the test queries.

        Args:
            model: what is measured.
            train: not used.
            test: pairs or ranked lists.
            seed: not used; nothing is drawn.
            prompts: names of the prompts for queries and for documents; the model's own choice when None.
            progress: told of encoding and searching.

        Returns:
            A measurement a metric, the primary one first; one value a query, named by the first row that has it.

        Raises:
            InputError: another kind of signal, nothing relevant, or vectors that are not numbers.
        """
        del train, seed
        query_prompt, document_prompt = prompts or (None, None)
        measures = metrics_in_order(self.metrics, self.primary)
        asked = search_test(test)
        kept = asked.answerable()
        queries = encode_queries(model, [asked.queries[i] for i in kept], query_prompt, progress)
        documents = encode_documents(model, asked.documents, document_prompt, progress)
        depth = max(m.k for m in measures)
        ranking, _ = nearest(
            queries,
            documents,
            depth,
            order=id_order(asked.document_ids),
            leave_out=asked.own_documents()[kept],
            kind=similarity_kind(model),
            progress=progress,
        )
        judged = judged_ranking(ranking, [asked.relevance[i] for i in kept], depth=depth)
        ids = [asked.query_ids[i] for i in kept]
        return [of_values(m, ids, m(judged), primary=i == 0) for i, m in enumerate(measures)]
