"""Merges that learn from a probe: a small set of examples, of the tasks that the merged model is for.

What is learned is little: a number for each expert, or one for each expert and block of parameters. So a few hundred
examples suffice, and each step costs one pass through the model and back; memory holds the task vectors, the base and
one model.

.. list-table::
   :header-rows: 1

   * - method
     - finds
     - from
   * - :class:`SelfPositioning`
     - a proportion for each expert, and one length
     - losses of the tasks
   * - :class:`ATLAS`
     - a coefficient for each expert and block
     - losses of the tasks, or of a new one
   * - :class:`LMCocktail`
     - a weight for each expert, without gradients
     - losses of the task that is wanted
   * - :class:`AdaMerging`
     - a coefficient for each expert and layer
     - texts alone: the similarities that each expert sees
   * - :class:`Fisher`
     - how much each expert needs each parameter
     - gradients of each expert's own task
   * - :class:`RegMean`
     - linear layers by least squares
     - inputs of each expert's layers on texts of its task

The first four are :class:`LearnedMethod`: ``learn(base, experts, losses)`` gives a :class:`Learned` with the numbers in
plain sight and a merge that needs no data any more. The last two are given `statistics`, which
:func:`diagonal_fisher` and :func:`input_products` gather.

The probe decides. Examples that are also those of the evaluation make every method look better than it is, so
:func:`accord.recipes.merge.probe_rows.read_probe` refuses them.
"""

from __future__ import annotations

from accord.merging.learned.ada_merging import AdaMerging, similarity_gap
from accord.merging.learned.atlas import ATLAS
from accord.merging.learned.base import Learned, LearnedMethod, Loss
from accord.merging.learned.fisher import Fisher, diagonal_fisher
from accord.merging.learned.lm_cocktail import LMCocktail, cocktail_weights
from accord.merging.learned.regmean import RegMean, input_products
from accord.merging.learned.self_positioning import SelfPositioning, spherical_chain
from accord.merging.learned.task_vectors import TaskVectors

__all__ = [
    "ATLAS",
    "AdaMerging",
    "Fisher",
    "LMCocktail",
    "Learned",
    "LearnedMethod",
    "Loss",
    "RegMean",
    "SelfPositioning",
    "TaskVectors",
    "cocktail_weights",
    "diagonal_fisher",
    "input_products",
    "similarity_gap",
    "spherical_chain",
]
