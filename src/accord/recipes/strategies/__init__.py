"""How tasks share an encoder: trained jointly, trained with balanced gradients, or trained apart and merged."""

from __future__ import annotations

from accord.recipes.strategies.balanced import Balanced
from accord.recipes.strategies.base import Strategy
from accord.recipes.strategies.joint import Joint
from accord.recipes.strategies.merged import Merged

__all__ = ["Balanced", "Joint", "Merged", "Strategy"]
