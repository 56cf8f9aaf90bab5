"""The point on the arc between two models, or between what two models changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from torch import Tensor

from accord.maths.consensus import weighted_sum
from accord.maths.sphere import row_gramians, slerp_weights
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, Survey, check_weights, per_expert
from accord.merging.spans import directions, in_span, survey_products

__all__ = ["NuSlerp"]


class NuSlerp(MergeMethod):
    r"""Spherical interpolation by weights: of two models or, with a base, of their changes, :math:`\theta_0 + \tau`.

    .. math:: \tau = \frac{\sin((1-t)\Omega)}{\sin\Omega}\,\tau_1 + \frac{\sin(t\,\Omega)}{\sin\Omega}\,\tau_2, \qquad
        t = \frac{w_2}{w_1 + w_2}

    Changes of different tasks are nearly orthogonal; there the arc keeps the length that the chord loses.

    Also known as: spherical interpolation of task vectors.

    Reference: Shoemake (1985), Animating rotation with quaternion curves, section 3.3; weights, base and columns as the
    documentation of mergekit describes `nuslerp`.

    Differs from the paper: vectors of any length, which are not brought to length 1 first. Opposite or zero vectors are
    mixed along the chord. Differs from mergekit 0.1.5, which takes columns where `nuslerp_row_wise` is set and rows
    where it is not.

    Args:
        weights: w, one for both or one each.
        nuslerp_flatten: one angle for a tensor; else one for each of its columns, or its rows.
        nuslerp_row_wise: rows, not columns, where tensors are not flattened. Tensors of one dimension are one vector.

    Raises:
        InputError: weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> one, two = {"w": torch.tensor([2.0, 1.0])}, {"w": torch.tensor([1.0, 2.0])}
    >>> merge_state_dicts(NuSlerp(), [one, two], base={"w": torch.ones(2)})["w"]
    tensor([1.7071, 1.7071])
    """

    contract: ClassVar = Contract(base="optional", least=2, most=2)
    name: ClassVar = "nuslerp"

    def __init__(
        self, weights: PerExpert = 1.0, *, nuslerp_flatten: bool = True, nuslerp_row_wise: bool = False
    ) -> None:
        check_weights(weights, normalize=True)
        self.weights = weights
        self.nuslerp_flatten = nuslerp_flatten
        self.nuslerp_row_wise = nuslerp_row_wise
        self.scope: Literal["tensor", "row", "global"] = "row" if nuslerp_row_wise and not nuslerp_flatten else "tensor"

    @property
    def passes(self) -> int:
        """One, for the angles; none by rows."""
        return 0 if self.scope == "row" else 1

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Inner products, of all or by columns."""
        del before
        vectors = directions(piece)
        if not self._by_columns(piece):
            return survey_products(vectors)
        return Survey(row_gramians([v.reshape(-1, piece.row_length) for v in vectors], columns=True))

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows on the arc."""
        vectors = directions(piece)
        if not self._by_columns(piece):
            merged = in_span(self, piece, vectors, surveys, self._weigh)
        else:
            weights = surveys[0].once(self, self._weigh)  # (columns, 2)
            rows = [vector.reshape(-1, piece.row_length) for vector in vectors]
            merged = weighted_sum(rows, list(weights.T)).view(vectors[0].shape)
        return merged if piece.base is None else merged.add_(piece.base)

    def _by_columns(self, piece: Piece) -> bool:
        return not self.nuslerp_flatten and not self.nuslerp_row_wise and len(piece.shape) > 1

    def _weigh(self, gram: Tensor) -> Tensor:
        first, second = per_expert("weights", self.weights, 2)
        return slerp_weights(gram, second / (first + second))
