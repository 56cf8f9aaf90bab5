"""What methods share that keep the elements between two magnitudes: over a row, a tensor or the whole model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from accord.maths.bands import Band, keep_bands, keep_row_bands, locate_bands, survey_bands
from accord.merging.base import MergeMethod, PerExpert, Piece, Survey, per_expert

__all__ = ["bands_of", "survey_trim", "trimmed"]


def bands_of(number: int, density: PerExpert, gamma: PerExpert = 0.0) -> list[Band]:
    """The band of each of `number` experts."""
    return [Band(d, g) for d, g in zip(per_expert("density", density, number), per_expert("gamma", gamma, number))]


def survey_trim(piece: Piece, before: Sequence[Any], bands: Sequence[Band]) -> Survey:
    """What a piece adds to the first or second survey for magnitudes.

    Args:
        piece: some rows.
        before: the surveys before.
        bands: one an expert.
    """
    return Survey(survey_bands(piece.changes, [survey.value for survey in before], bands))


def trimmed(method: MergeMethod, piece: Piece, surveys: Sequence[Any], bands: Sequence[Band]) -> Iterable[Tensor]:
    """The experts' changes without what lies outside of their bands, one at a time.

    Args:
        method: whose `scope` tells what a band is taken over.
        piece: some rows.
        surveys: two, or none where the scope is a row.
        bands: one an expert.
    """
    if method.scope == "row":
        return keep_row_bands(piece.changes, bands, piece.row_length)
    limits = surveys[1].once(method, lambda second: locate_bands([surveys[0].value, second], bands))
    return keep_bands(piece.changes, limits)
