"""When a merged change counts as much shorter than those it was made of; without torch, so that reports can ask."""

from __future__ import annotations

__all__ = ["SHRUNK"]

SHRUNK = 0.7
"""Length of the merged change over the mean length of the models' own, below which a merge is warned about.

The mean of N changes that have nothing to do with each other is 1 / sqrt(N) times as long: 0.71 for 2, 0.58 for 3.
"""
