"""Conflicts as plain values, for the record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from accord.evaluation.conflict import Estimate, Evidence

__all__ = ["estimate_of", "pair_values", "plain"]


def pair_values(evidence: Evidence) -> dict[str, Any]:
    """The numbers that a pair's verdict rests on."""
    pair = evidence.gradients
    return {
        "batch_cosine": asdict(pair.batch_cosine),
        "cosine": asdict(pair.cosine),
        "ceiling": pair.ceiling,
        "margin": pair.margin,
        "verdict_level": pair.level,
    }


def estimate_of(line: Mapping[str, Any]) -> Estimate:
    """The estimate of one row of the record."""
    return Estimate(line["value"], line["low"], line["high"], line["n"])


def plain(value: Any) -> Any:
    """A JSON value; numbers that JSON cannot hold become null.

    >>> plain({"a": (1, float("nan")), "b": np.float32(0.5)})
    {'a': [1, None], 'b': 0.5}
    """
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
