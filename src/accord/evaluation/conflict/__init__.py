"""Conflict: do tasks stand in each other's way, by how much against noise, and what to do about it.

Everything here is a function of plain numbers; :func:`accord.conflict` makes the numbers.

=============================  ==================================================  =====================
measure                        asks                                                interval over
=============================  ==================================================  =====================
`gradient_cosine`              do two batches pull the same way; of one task with  batches
                               itself: the noise ceiling
`corrected_cosine`             do the tasks pull the same way, noise taken out     batches
`conflict_rate`                how often do two batches pull apart                 batches
`magnitude_similarity`         does one gradient drown the other                   batches
`lookahead_affinity`           does a step on one lower the loss of the other      batches
`task_vector_cosine`           did short trainings move the weights alike          parts of the weights
`norm_ratio`                   how far did they move them                          parts of the weights
`sign_agreement`               do they agree where both moved much                 parts of the weights
`subspace_overlap`             do they use the same directions of a matrix         matrices
`loss_barrier`                 is there a hill between two trained models          dev batches
`transfer`                     what does training on one do to the other's metric  dev examples
=============================  ==================================================  =====================

How to read it

* A batch's gradient is mostly noise, so cosines of batches are small even between a task and itself. Compare them with
  the ceiling, or read the corrected cosine, which is free of noise and the less sure for it.
* Zero is the line: below it a step on one task raises the loss of the other. Near zero nothing is decided by looking at
  the number; `passing_margin` says how much opposition costs less than the draw of batches, or than its cure.
* Gradients speak of the point at which they are taken, the model as it starts. `transfer` and `loss_barrier` look
  further, and finished models side by side decide.
* Joint training is often as good as anything; "no conflict" is a common and a good answer.

:func:`recommend` turns all of it into a sentence a pair and one recommendation.
"""

from accord.evaluation.conflict.conflict_rate import conflict_rate
from accord.evaluation.conflict.corrected_cosine import corrected_cosine
from accord.evaluation.conflict.estimate import Estimate, over_batches, over_units
from accord.evaluation.conflict.gradient_cosine import gradient_cosine
from accord.evaluation.conflict.lookahead_affinity import lookahead_affinity
from accord.evaluation.conflict.loss_barrier import loss_barrier
from accord.evaluation.conflict.magnitude_similarity import magnitude_similarity
from accord.evaluation.conflict.noise_margin import noise_margin
from accord.evaluation.conflict.recommend import Evidence, PairVerdict, Recommendation, recommend
from accord.evaluation.conflict.sign_agreement import large_coordinates, sign_agreement
from accord.evaluation.conflict.subspace_overlap import subspace_overlap, top_directions
from accord.evaluation.conflict.task_vector_cosine import norm_ratio, task_vector_cosine
from accord.evaluation.conflict.transfer import transfer
from accord.evaluation.conflict.verdict import GradientConflict, PairConflict, gradient_verdict, passing_margin

__all__ = [
    "Estimate",
    "Evidence",
    "GradientConflict",
    "PairConflict",
    "PairVerdict",
    "Recommendation",
    "conflict_rate",
    "corrected_cosine",
    "gradient_cosine",
    "gradient_verdict",
    "large_coordinates",
    "lookahead_affinity",
    "loss_barrier",
    "magnitude_similarity",
    "noise_margin",
    "norm_ratio",
    "over_batches",
    "over_units",
    "passing_margin",
    "recommend",
    "sign_agreement",
    "subspace_overlap",
    "task_vector_cosine",
    "top_directions",
    "transfer",
]
