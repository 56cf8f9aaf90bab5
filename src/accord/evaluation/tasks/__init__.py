"""Tasks: what an encoder is used for, each measured on held-out rows.

* :class:`Retrieval` on `Pairs` (or `Ranked`): queries search documents; `nDCG@10`, `MRR@10`, `Recall@10`.
* :class:`Reranking` on `Ranked` (or graded `Pairs`): each query orders its own candidates; `MAP@1000`, `nDCG@10`.
* :class:`Bitext` on `Pairs`: texts find their translation; `accuracy`, `weighted_f1`.
* :class:`Classification` on `Labelled`: a probe on frozen vectors; `accuracy`, `macro_f1`.
* :class:`Clustering` on `Labelled`: k-means; `v_measure`.
* :class:`Similarity` on `Scored`: cosine beside people's scores; `spearman`, `pearson`.
* :class:`PairClassification` on `Scored` with 0 and 1: a threshold on nearness; `average_precision`, `binary_f1`.
* :class:`Summarisation` on `Ranked` with `neg_scores`: nearness beside people's judgement; `spearman`.

Each takes anything with `encode_query` and `encode_document`. Retrieval and Reranking use both roles; the others are
symmetric and encode every text in the query role, as models with a query and a document prompt ask for. Reranking,
PairClassification, Similarity and Summarisation also take a cross-encoder: anything with `score`.
Wrap a model in :class:`accord.evaluation.CachedEncoder` when several tasks read the same texts.

Two arguments are common to all: `group` names the column whose equal values mark examples that are not independent, so
that intervals and tests draw whole groups, and ``against="mteb"`` follows mteb's protocol to four digits.
"""

from __future__ import annotations

from accord.evaluation.tasks.bitext import Bitext
from accord.evaluation.tasks.classification import Classification
from accord.evaluation.tasks.clustering import Clustering
from accord.evaluation.tasks.pair_classification import PairClassification
from accord.evaluation.tasks.reranking import Reranking
from accord.evaluation.tasks.retrieval import Retrieval
from accord.evaluation.tasks.similarity import Similarity
from accord.evaluation.tasks.summarisation import Summarisation

__all__ = [
    "Bitext",
    "Classification",
    "Clustering",
    "PairClassification",
    "Reranking",
    "Retrieval",
    "Similarity",
    "Summarisation",
]
