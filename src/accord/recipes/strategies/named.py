"""The strategies by the names that recipes give them."""

from __future__ import annotations

from accord.recipes.strategies.balanced import Balanced
from accord.recipes.strategies.base import Strategy
from accord.recipes.strategies.joint import Joint
from accord.recipes.strategies.merged import Merged

__all__ = ["strategy_of"]


def strategy_of(name: str) -> Strategy:
    """The strategy of this name.

    >>> strategy_of("merged").name
    'merged'
    """
    known: tuple[Strategy, ...] = (Joint(), Merged(), Balanced())
    return next(one for one in known if one.name == name)
