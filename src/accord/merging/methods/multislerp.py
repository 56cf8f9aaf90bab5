"""The mean direction of models, or of what they changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from torch import Tensor

from accord.core.checks import check_choice, check_positive
from accord.maths.sphere import mean_direction_weights
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, Survey, check_weights, per_expert
from accord.merging.spans import directions, in_span, survey_products

__all__ = ["MultiSlerp"]


class MultiSlerp(MergeMethod):
    r"""The weighted mean direction of models at their weighted mean length; with a base, of their changes.

    .. math:: \theta = \frac{\sum_i w_i \hat\theta_i}{|\sum_i w_i \hat\theta_i|} \sum_i w_i |\theta_i|

    Models of different length have an equal say in the direction. The mean on the sphere itself is :class:`Karcher`.

    Also known as: normalised mean of directions, von Mises-Fisher mean direction.

    Reference: Mardia and Jupp (2000), Directional Statistics, section 9.2. The `multislerp` of mergekit, whose result
    this is, adds a tangent at the mean direction; the tangent is zero, since deviations from a mean cancel.

    Differs from the paper: lengths, which directions do not have.

    Args:
        weights: w.
        normalize_weights: divide the weights by their sum.
        eps: a mean of directions that is not longer than this counts as none; then the weighted sum is taken.
        scope: what has a direction of its own: each `tensor` (as in mergekit), each `row`, or all of the model together
            (`global`).

    Raises:
        InputError: normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> merge_state_dicts(MultiSlerp(), [{"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([0.0, 3.0])}])["w"]
    tensor([1.4142, 1.4142])
    """

    contract: ClassVar = Contract(base="optional")
    name: ClassVar = "multislerp"

    def __init__(
        self,
        weights: PerExpert = 1.0,
        *,
        normalize_weights: bool = True,
        eps: float = 1e-8,
        scope: Literal["tensor", "row", "global"] = "tensor",
    ) -> None:
        check_weights(weights, normalize=normalize_weights)
        check_positive("eps", eps)
        check_choice("scope", scope, ("tensor", "row", "global"))
        self.weights = weights
        self.normalize_weights = normalize_weights
        self.eps = eps
        self.scope = scope

    @property
    def passes(self) -> int:
        """One, for the lengths; none by rows."""
        return 0 if self.scope == "row" else 1

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Inner products."""
        del before
        return survey_products(directions(piece))

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the mean."""
        weights = per_expert("weights", self.weights, len(piece.experts))
        share = sum(weights) if self.normalize_weights else 1.0
        shares = [weight / share for weight in weights]
        merged = in_span(
            self, piece, directions(piece), surveys, lambda gram: mean_direction_weights(gram, shares, eps=self.eps)
        )
        return merged if piece.base is None else merged.add_(piece.base)
