"""The point on the arc between two models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from torch import Tensor

from accord.core.checks import check_choice, check_finite
from accord.maths.sphere import slerp_weights
from accord.merging.base import Contract, MergeMethod, Piece, Survey
from accord.merging.spans import in_span, survey_products

__all__ = ["Slerp"]


class Slerp(MergeMethod):
    r"""Two models, mixed along the arc between them instead of along the chord, so that the length does not shrink.

    .. math:: \theta = \frac{\sin((1-t)\Omega)}{\sin\Omega}\,\theta_1 + \frac{\sin(t\,\Omega)}{\sin\Omega}\,\theta_2,
        \qquad \cos\Omega = \frac{\theta_1 \cdot \theta_2}{|\theta_1|\,|\theta_2|}

    Models that come from the same base are so close that this is the plain mean to a few digits.

    Also known as: spherical linear interpolation.

    Reference: Shoemake (1985), Animating rotation with quaternion curves, section 3.3.

    Differs from the paper: vectors of any length, which are not brought to length 1 first, so that t = 0 and t = 1
    give the models. Opposite or zero vectors are mixed along the chord. Differs from mergekit, which goes along the
    chord when the cosine is above 0.9995: there its result is shorter, by at most 0.013 %.

    Args:
        t: 0 for the first model, 1 for the second.
        scope: what has an angle of its own: each `tensor` (as in mergekit), each `row`, or all of the model together
            (`global`).

    >>> from accord.merging import merge_state_dicts
    >>> merge_state_dicts(Slerp(0.5), [{"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([0.0, 1.0])}])["w"]
    tensor([0.7071, 0.7071])
    """

    contract: ClassVar = Contract(base="unused", least=2, most=2)
    name: ClassVar = "slerp"

    def __init__(self, t: float = 0.5, *, scope: Literal["tensor", "row", "global"] = "tensor") -> None:
        check_finite("t", t)
        check_choice("scope", scope, ("tensor", "row", "global"))
        self.t = t
        self.scope = scope

    @property
    def passes(self) -> int:
        """One, for the angle; none by rows."""
        return 0 if self.scope == "row" else 1

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Inner products."""
        del before
        return survey_products(piece.experts)

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows on the arc."""
        return in_span(self, piece, piece.experts, surveys, lambda gram: slerp_weights(gram, self.t))
