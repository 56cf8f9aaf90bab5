"""Tasks: what an encoder is used for, each measured on held-out rows.

* :class:`Retrieval` on `Pairs` (or `Ranked`): queries search documents; `nDCG@10`, `MRR@10`, `Recall@10`.
* :class:`Bitext` on `Pairs`: texts find their translation; `accuracy`, `weighted_f1`.
* :class:`Classification` on `Labelled`: a probe on frozen vectors; `accuracy`, `macro_f1`.
* :class:`Clustering` on `Labelled`: k-means; `v_measure`.
* :class:`Similarity` on `Scored`: cosine beside people's scores; `spearman`, `pearson`.

Each takes anything with `encode_query` and `encode_document`. Retrieval uses both roles; the other four are symmetric
and encode every text in the query role, as models with a query and a document prompt ask for.
Wrap a model in :class:`accord.evaluation.CachedEncoder` when several tasks read the same texts.
"""

from __future__ import annotations

from accord.evaluation.tasks.bitext import Bitext
from accord.evaluation.tasks.classification import Classification
from accord.evaluation.tasks.clustering import Clustering
from accord.evaluation.tasks.retrieval import Retrieval
from accord.evaluation.tasks.similarity import Similarity

__all__ = ["Bitext", "Classification", "Clustering", "Retrieval", "Similarity"]
