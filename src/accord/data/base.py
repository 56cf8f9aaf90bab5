"""The doors of the room: what a source and a sampler promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from accord.core.progress import Progress, silent

__all__ = ["Sampler", "Source"]


class Source(Protocol):
    """Where rows come from; the constructor is the schema of its recipe entry."""

    def load(self, progress: Progress = silent) -> pa.Table:
        """Read everything into one table with a column `id`: unique strings that do not change between runs."""
        ...


class Sampler(Protocol):
    """Decides which task each step trains."""

    def schedule(self, sizes: Sequence[int], weights: Sequence[float], steps: int, *, seed: int) -> np.ndarray:
        """Task indices, one a step, as int64 of length `steps`.

        Args:
            sizes: rows of each task.
            weights: factors on each task's share of the steps.
            steps: optimiser steps of the whole run.
            seed: of the run; the same seed gives the same schedule.
        """
        ...
