"""Merging: one model from several, in weight space."""

from __future__ import annotations

from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, StateDict
from accord.merging.memory import merge_state_dicts
from accord.merging.methods import Linear

__all__ = ["Contract", "Linear", "MergeMethod", "PerExpert", "Piece", "StateDict", "merge_state_dicts"]
