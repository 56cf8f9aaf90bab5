"""Evaluation: put an encoder to use, keep every example's value, and say what the numbers are worth.

What to measure with what
=========================

=====================================  ==========================  =======================  ==========================
the encoder will                       signal                      task                     primary metric
=====================================  ==========================  =======================  ==========================
search a collection                    `Pairs`, `Ranked`           `Retrieval`              `nDCG@10`; `MRR@10` where
                                                                                            one answer is enough,
                                                                                            `Recall@100` before a
                                                                                            reranker
order candidates of another search     `Ranked`, graded `Pairs`    `Reranking`              `MAP@1000`; `nDCG@10`
                                                                                            where grades differ
match translations or aliases          `Pairs`                     `Bitext`                 `accuracy`
feed a classifier                      `Labelled`                  `Classification`         `accuracy`; `macro_f1`
                                                                                            where classes are unequal
group what has no labels yet           `Labelled`                  `Clustering`             `v_measure`
say how near two texts are             `Scored`                    `Similarity`             `spearman`
say whether two texts are one          `Scored` with 0 and 1       `PairClassification`     `average_precision`
judge summaries as people do           `Ranked` with `neg_scores`  `Summarisation`          `spearman`
=====================================  ==========================  =======================  ==========================

>>> from accord.evaluation import Retrieval, metric
>>> Retrieval(metrics=["nDCG@10", "Recall@100"], primary="nDCG@10").primary
'nDCG@10'
>>> metric("nDCG@10").k
10

A task returns one :class:`Measured` a metric: values by example (or, for set metrics, the columns that the score is
computed from), never a bare mean. :func:`scores` puts intervals around them; :func:`compare` pairs two models example
by example and says *better by d, between these bounds*, or *not distinguishable; you would need about n examples*.
:func:`write_examples` and :func:`read_examples` keep the values, so that any two runs can be compared later;
:class:`KeptResults` finds what was measured before on the same weights, prompts, rows and code.

How to read the answer: an interval speaks of other examples of the same kind, not of other training seeds, and
overlapping intervals of two scores say nothing about their difference; look at the paired one. Examples that are not
independent (ten translations of one name) make intervals look narrower than they are, unless `group` names the column
that holds them together: whole groups are then drawn.

``against="mteb"`` makes a task follow mteb 2.26 to four digits; :func:`read_mteb_results` reads its result files and
:func:`write_mteb_results` writes them.
"""

from __future__ import annotations

from accord.evaluation.encoding import CachedEncoder
from accord.evaluation.judged import Judged, judge
from accord.evaluation.kept import KeptResults
from accord.evaluation.measured import Measured
from accord.evaluation.mteb import MtebResult, read_mteb_results, write_mteb_results
from accord.evaluation.named import metric
from accord.evaluation.observed import Observed, read_examples, write_examples
from accord.evaluation.statistics import Difference, compare, holm, interval, paired, scores
from accord.evaluation.tasks import (
    Bitext,
    Classification,
    Clustering,
    PairClassification,
    Reranking,
    Retrieval,
    Similarity,
    Summarisation,
)

__all__ = [
    "Bitext",
    "CachedEncoder",
    "Classification",
    "Clustering",
    "Difference",
    "Judged",
    "KeptResults",
    "Measured",
    "MtebResult",
    "Observed",
    "PairClassification",
    "Reranking",
    "Retrieval",
    "Similarity",
    "Summarisation",
    "compare",
    "holm",
    "interval",
    "judge",
    "metric",
    "paired",
    "read_examples",
    "read_mteb_results",
    "scores",
    "write_examples",
    "write_mteb_results",
]
