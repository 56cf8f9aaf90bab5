"""Scores of different systems on one scale, query by query; NaN stands for a document that a system did not find."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_choice
from accord.core.errors import InputError

__all__ = ["SCALES", "check_systems", "min_max", "per_system", "scaled", "z_scores"]

SCALES = ("min-max", "z", "none")


def min_max(scores: Float[np.ndarray, "... docs"]) -> Float[np.ndarray, "... docs"]:
    """Each row from 0 (its lowest score) to 1 (its highest); a row of equal scores becomes 1.

    Reference: Lee (1997), SIGIR, Analyses of multiple evidence combination, section 3.

    Args:
        scores: NaN where there is none.

    Returns:
        In [0, 1]; NaN where it was.

    >>> min_max(np.array([[1.0, 3.0, np.nan, 2.0]])).tolist()
    [[0.0, 1.0, nan, 0.5]]
    """
    low, high = _lowest(scores), _highest(scores)
    spread = high - low
    return np.where(
        np.isnan(scores), np.nan, np.divide(scores - low, spread, out=np.ones_like(scores), where=spread > 0)
    )


def z_scores(scores: Float[np.ndarray, "... docs"]) -> Float[np.ndarray, "... docs"]:
    """Each row with mean 0 and deviation 1; a row of equal scores becomes 0.

    Also known as: zero-mean unit-variance normalisation, ZMUV, standard scores.

    Reference: Montague & Aslam (2001), CIKM, Relevance score normalization for metasearch, section 2.

    Args:
        scores: NaN where there is none.

    Returns:
        Of any size; NaN where it was.

    >>> z_scores(np.array([[1.0, 3.0, np.nan]])).tolist()
    [[-1.0, 1.0, nan]]
    """
    found = ~np.isnan(scores)
    count = np.maximum(found.sum(axis=-1, keepdims=True), 1)
    centred = np.where(found, scores - np.where(found, scores, 0.0).sum(axis=-1, keepdims=True) / count, 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=-1, keepdims=True) / count)
    tiny = 1e-12 * np.maximum(np.abs(_highest(scores)), np.abs(_lowest(scores)))
    return np.where(found, np.divide(centred, spread, out=np.zeros_like(centred), where=spread > tiny), np.nan)


def scaled(scores: Float[np.ndarray, "... docs"], scale: str) -> Float[np.ndarray, "... docs"]:
    """Scores on a scale: "min-max", "z" or "none".

    Raises:
        InputError: another word.
    """
    check_choice("scale", scale, SCALES)
    if scale == "none":
        return scores
    return min_max(scores) if scale == "min-max" else z_scores(scores)


def check_systems(scores: object, name: str = "scores") -> Float[np.ndarray, "systems queries docs"]:
    """Scores as a float64 array of shape (systems, queries, docs).

    Raises:
        InputError: another shape, no system, or an infinite score.
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 3 or not len(found):
        raise InputError(f"`{name}` must be of the shape (systems, queries, documents). Got {found.shape} instead.")
    if np.isinf(found).any():
        raise InputError(
            f"`{name}` must be finite, or NaN where a system did not find a document. Got infinity instead."
        )
    return found


def per_system(name: str, values: object, systems: int) -> Float[np.ndarray, " systems"]:
    """One finite weight for each system.

    Raises:
        InputError: another number of them, or none above zero.
    """
    found = np.ones(systems) if values is None else np.asarray(values, dtype=np.float64)
    if found.shape != (systems,):
        raise InputError(f"`{name}` must be one number for each of {systems} systems. Got {values!r} instead.")
    if not np.isfinite(found).all() or (found < 0).any() or not found.any():
        raise InputError(f"`{name}` must be finite, not negative, and not all zero. Got {found.tolist()} instead.")
    return found


def _lowest(scores: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(scores), np.inf, scores).min(axis=-1, keepdims=True, initial=np.inf)


def _highest(scores: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(scores), -np.inf, scores).max(axis=-1, keepdims=True, initial=-np.inf)
