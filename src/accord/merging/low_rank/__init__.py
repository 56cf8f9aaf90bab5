"""Merging low-rank adapters exactly.

What an adapter does to a layer is its change s B A, with s from its rank and scale. Here changes are merged, never the
factors by themselves: a mean of the A times a mean of the B holds products of one adapter's B with another's A, which
belong to none of them. Any method of :mod:`accord.merging` works on the changes; a weighted sum is made of stacked
factors and stays exact, and whatever has to fit a rank again is cut by singular values, with the share that was kept
told for every layer.
"""

from __future__ import annotations

from accord.merging.low_rank.digest import check_base
from accord.merging.low_rank.folders import AdapterFolder, read_adapter
from accord.merging.low_rank.merge import AdapterMerge, LayerMerge, merge_adapters
from accord.merging.low_rank.source import LowRankChange, changes_of

__all__ = [
    "AdapterFolder",
    "AdapterMerge",
    "LayerMerge",
    "LowRankChange",
    "changes_of",
    "check_base",
    "merge_adapters",
    "read_adapter",
]
