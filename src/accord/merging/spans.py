"""What methods share whose result is a weighted sum of vectors, with weights that depend on their inner products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from accord.maths.consensus import weighted_sum
from accord.maths.sphere import gramian, row_gramians
from accord.merging.base import MergeMethod, Piece, Survey

__all__ = ["directions", "in_span", "survey_products"]


def directions(piece: Piece) -> list[Tensor]:
    """What is turned: the experts' changes where there is a base, else the experts themselves."""
    return list(piece.experts) if piece.base is None else list(piece.changes)


def survey_products(vectors: Sequence[Tensor]) -> Survey:
    """What a piece adds to the inner products of whole vectors."""
    return Survey(gramian(vectors))


def in_span(
    method: MergeMethod,
    piece: Piece,
    vectors: Sequence[Tensor],
    surveys: Sequence[Any],
    weigh: Callable[[Tensor], Tensor],
) -> Tensor:
    """The weighted sum.

    Args:
        method: whose `scope` tells what a vector is.
        piece: some rows.
        vectors: (N,) the rows of each.
        surveys: one, of inner products; or none where the scope is a row.
        weigh: inner products (..., N, N) to weights (..., N).
    """
    if method.scope != "row":
        weights = surveys[0].once(method, weigh)
        return weighted_sum(vectors, list(weights) if weights.requires_grad else weights.tolist())
    rows = [vector.reshape(-1, piece.row_length) for vector in vectors]
    weights = weigh(row_gramians(rows))
    return weighted_sum(rows, list(weights.T[..., None])).view(vectors[0].shape)
