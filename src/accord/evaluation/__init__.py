"""Evaluation: put an encoder to use, keep every example's value, and say what the numbers are worth.

What to measure with what
=========================

=====================================  ==========================  ==================  ==========================
the encoder will                       signal                      task                primary metric
=====================================  ==========================  ==================  ==========================
search a collection                    `Pairs`, `Ranked`           `Retrieval`         `nDCG@10`; `MRR@10` where
                                                                                       one answer is enough,
                                                                                       `Recall@100` before a
                                                                                       reranker
match translations or aliases          `Pairs`                     `Bitext`            `accuracy`
feed a classifier                      `Labelled`                  `Classification`    `accuracy`; `macro_f1`
                                                                                       where classes are unequal
group what has no labels yet           `Labelled`                  `Clustering`        `v_measure`
say how near two texts are             `Scored`                    `Similarity`        `spearman`
=====================================  ==========================  ==================  ==========================

>>> from accord.evaluation import Retrieval, metric
>>> Retrieval(metrics=["nDCG@10", "Recall@100"], primary="nDCG@10").primary
'nDCG@10'
>>> metric("nDCG@10").k
10

A task returns one :class:`Measured` a metric: values by example (or, for set metrics, the columns that the score is
computed from), never a bare mean. :func:`scores` puts intervals around them; :func:`compare` pairs two models example
by example and says *better by d, between these bounds*, or *not distinguishable; you would need about n examples*.
:func:`write_examples` and :func:`read_examples` keep the values, so that any two runs can be compared later.

How to read the answer: an interval speaks of other examples of the same kind, not of other training seeds, and
overlapping intervals of two scores say nothing about their difference; look at the paired one. Examples that are not
independent (ten translations of one name) make intervals look narrower than they are.
"""

from __future__ import annotations

from accord.evaluation.encoding import CachedEncoder
from accord.evaluation.judged import Judged, judge
from accord.evaluation.measured import Measured
from accord.evaluation.named import metric
from accord.evaluation.observed import Observed, read_examples, write_examples
from accord.evaluation.statistics import Difference, compare, holm, interval, paired, scores
from accord.evaluation.tasks import Bitext, Classification, Clustering, Retrieval, Similarity

__all__ = [
    "Bitext",
    "CachedEncoder",
    "Classification",
    "Clustering",
    "Difference",
    "Judged",
    "Measured",
    "Observed",
    "Retrieval",
    "Similarity",
    "compare",
    "holm",
    "interval",
    "judge",
    "metric",
    "paired",
    "read_examples",
    "scores",
    "write_examples",
]
