"""Smaller students of larger teachers.

:func:`distil` makes a student of one teacher or several from a recipe's texts. Beside it stand ways that need more than
vectors of texts: :mod:`~accord.recipes.distil.features` (tokens and layers), :mod:`~accord.recipes.distil.pairs` (a
cross-encoder's scores), :mod:`~accord.recipes.distil.trans_encoder` (a transformer that teaches itself).
"""

from __future__ import annotations

from accord.recipes.distil.run import Distilled, DistilRules, distil

__all__ = ["DistilRules", "Distilled", "distil"]
