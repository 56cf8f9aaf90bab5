"""The mean of models on the sphere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from torch import Tensor

from accord.core.checks import check_at_least, check_choice, check_positive
from accord.core.errors import InputError
from accord.maths.sphere import karcher_weights
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, Survey, check_weights, per_expert
from accord.merging.spans import in_span, survey_products

__all__ = ["Karcher"]


class Karcher(MergeMethod):
    r"""The mean of any number of models on the sphere, at their mean length.

    .. math:: \theta = \Big(\sum_i w_i |\theta_i|\Big)
        \arg\min_{|m| = 1} \sum_i w_i \arccos^2 \frac{\theta_i \cdot m}{|\theta_i|}

    With two models it is their :class:`Slerp`. For models from the same base all spherical means are nearly the plain
    one.

    Also known as: Fréchet mean, Riemannian centre of mass, multi-way spherical interpolation.

    Reference: Karcher (1977), Communications on Pure and Applied Mathematics 30; Buss and Fillmore (2001), Spherical
    averages and applications to spherical splines and interpolation, algorithm A1.

    Differs from the paper: lengths, which the sphere does not have: the mean direction is given the mean length. The
    steps are taken on the N x N inner products instead of on the vectors; they are the same steps. Models that are
    zero count for the length only; directions that cancel give the plain mean.

    Args:
        weights: w, at least 0; divided by their sum.
        max_iter: most steps.
        tol: radians; it ends when a step is shorter.
        scope: what has a direction of its own: each `tensor` (as in mergekit), each `row`, or all of the model together
            (`global`).

    Raises:
        InputError: negative weights, or none above zero.

    >>> from accord.merging import merge_state_dicts
    >>> axes = [{"w": row} for row in torch.eye(3)]
    >>> merge_state_dicts(Karcher(), axes)["w"]
    tensor([0.5774, 0.5774, 0.5774])
    """

    contract: ClassVar = Contract(base="unused")
    name: ClassVar = "karcher"

    def __init__(
        self,
        weights: PerExpert = 1.0,
        *,
        max_iter: int = 10,
        tol: float = 1e-5,
        scope: Literal["tensor", "row", "global"] = "tensor",
    ) -> None:
        check_weights(weights, normalize=True)
        if any(w < 0 for w in ([weights] if isinstance(weights, (int, float)) else weights)):
            raise InputError(f"`weights` of a mean on the sphere must be at least 0. Got {weights!r} instead.")
        check_at_least("max_iter", max_iter, 1)
        check_positive("tol", tol)
        check_choice("scope", scope, ("tensor", "row", "global"))
        self.weights = weights
        self.max_iter = max_iter
        self.tol = tol
        self.scope = scope

    @property
    def passes(self) -> int:
        """One, for the angles; none by rows."""
        return 0 if self.scope == "row" else 1

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Inner products."""
        del before
        return survey_products(piece.experts)

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the mean."""
        weights = per_expert("weights", self.weights, len(piece.experts))
        shares = [weight / sum(weights) for weight in weights]
        return in_span(
            self,
            piece,
            piece.experts,
            surveys,
            lambda gram: karcher_weights(gram, shares, max_iter=self.max_iter, tol=self.tol),
        )
