"""Where tasks conflict, by how much against noise, and what to do about it.

:mod:`~accord.recipes.conflict.gradients` compares the tasks' gradients, :mod:`~accord.recipes.conflict.weights` the
:mod:`~accord.recipes.conflict.experts` of single tasks; :mod:`~accord.recipes.conflict.run` does both and reports.
"""

from __future__ import annotations

from accord.recipes.conflict.run import ConflictResult, conflict, gradient_conflict

__all__ = ["ConflictResult", "conflict", "gradient_conflict"]
