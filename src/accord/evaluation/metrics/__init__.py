"""Metrics: small frozen objects, each a shell over a pure function of the same file.

Three kinds, told apart by what they are called with:

* **ranking metrics** take a :class:`~accord.evaluation.judged.Judged` ranking and give one value a query:
  `nDCG@10`, `MRR@10`, `Recall@10`, `Precision@10`, `MAP@100`, `HitRate@1`;
* **example metrics** take two columns and give one value an example: `accuracy`;
* **set metrics** take columns and give one number for all rows: `macro_f1`, `weighted_f1`, `binary_f1`, `v_measure`,
  `spearman`, `pearson`, `average_precision`, `best_f1`, `best_accuracy`. Their uncertainty comes from resampling rows
  and computing them again. `tradable` says in which form the rows of two systems are comparable one by one, which the
  permutation test needs.

None of them averages over queries: means, intervals and tests belong to :mod:`accord.evaluation.statistics`.
Ranking metrics agree with trec_eval: float32 scores, ties by identifier descending, linear gain, a query missing from
the run counts 0. Scores below zero rank like any others.
"""

from __future__ import annotations

from accord.evaluation.metrics.accuracy import Accuracy
from accord.evaluation.metrics.average_precision import AveragePrecision
from accord.evaluation.metrics.best_accuracy import BestAccuracy
from accord.evaluation.metrics.best_f1 import BestF1
from accord.evaluation.metrics.binary_f1 import BinaryF1
from accord.evaluation.metrics.f1 import MacroF1, WeightedF1
from accord.evaluation.metrics.hit_rate import HitRate
from accord.evaluation.metrics.map import MAP
from accord.evaluation.metrics.mrr import MRR
from accord.evaluation.metrics.ndcg import nDCG
from accord.evaluation.metrics.pearson import Pearson
from accord.evaluation.metrics.precision import Precision
from accord.evaluation.metrics.recall import Recall
from accord.evaluation.metrics.spearman import Spearman
from accord.evaluation.metrics.v_measure import VMeasure

__all__ = [
    "Accuracy",
    "AveragePrecision",
    "BestAccuracy",
    "BestF1",
    "BinaryF1",
    "HitRate",
    "MAP",
    "MRR",
    "MacroF1",
    "Pearson",
    "Precision",
    "Recall",
    "Spearman",
    "VMeasure",
    "WeightedF1",
    "nDCG",
]
