"""Statistics: what a score is worth, and whether two differ.

* :func:`interval` around one score: examples are drawn with replacement (percentile or BCa).
* :func:`paired` difference of two systems on the same examples: effect, interval by the paired bootstrap, p by a paired
  permutation test, and the number of examples that a difference of this size would need.
* :func:`holm` corrects the p values of all comparisons of a run together.
* :func:`scores` and :func:`compare` do all of it for a run and return records.

Per-example metrics resample their values. Set metrics (F1, V-measure, correlations) resample rows and are computed
again, since they are no means. Training seeds are averaged example by example before systems are paired: the intervals
speak of other examples, not of other seeds. Every draw has a generator keyed by the seed and the names of what is
compared, so that neither order nor company changes a digit.
"""

from __future__ import annotations

from accord.evaluation.statistics.bootstrap import interval
from accord.evaluation.statistics.compare import compare, scores
from accord.evaluation.statistics.difference import Difference, paired
from accord.evaluation.statistics.holm import holm
from accord.evaluation.statistics.permutation import permutation_p
from accord.evaluation.statistics.power import examples_needed

__all__ = ["Difference", "compare", "examples_needed", "holm", "interval", "paired", "permutation_p", "scores"]
