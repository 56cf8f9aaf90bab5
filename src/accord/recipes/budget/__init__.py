"""The cheapest way to serve a model that keeps its quality.

:mod:`~accord.recipes.budget.sizes` says what is tried, :mod:`~accord.recipes.budget.costs` and
:mod:`~accord.recipes.budget.quality` measure it, :mod:`~accord.recipes.budget.choice` chooses,
:mod:`~accord.recipes.budget.run` does all of it and keeps what is finished.
"""

from __future__ import annotations

from accord.recipes.budget.run import Budget, Limits, budget

__all__ = ["Budget", "Limits", "budget"]
