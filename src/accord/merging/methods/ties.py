"""Trim the experts' changes, elect a sign, and average those that have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from accord.core.checks import check_choice, check_finite
from accord.maths.consensus import disjoint_mean
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, Survey, check_shares, check_weights, per_expert
from accord.merging.trimming import bands_of, survey_trim, trimmed

__all__ = ["Ties"]


class Ties(MergeMethod):
    r"""Keep the largest changes of each expert, elect a sign for each weight, average the changes that have it.

    .. math:: \theta = \theta_0 + \lambda\,\frac{\sum_{i \in A} w_i \hat\tau_i}{\sum_{i \in A} w_i}, \qquad
        A = \{i : \mathrm{sgn}\,\hat\tau_i = \gamma\}, \qquad \gamma = \mathrm{sgn} \sum_i w_i \hat\tau_i,

    element by element, where :math:`\hat\tau_i` is :math:`\theta_i - \theta_0` with all but its largest magnitudes
    set to zero.

    Also known as: TIES-Merging; trim, elect sign and merge.

    Reference: Yadav et al. (2023), TIES-Merging: Resolving Interference When Merging Models, arXiv:2306.01708,
    section 3 and algorithm 1.

    Differs from the paper: weights for experts, and where positive and negative votes are equal nothing is added; the
    authors' program takes the majority of the vector there. Differs from mergekit, which keeps everything unless told a
    density, trims each tensor for itself (`scope: tensor`) and adds the positive side where votes are equal.

    Args:
        weights: w, of any sign; with a negative one, the change counts as its opposite.
        density: share of the elements that is kept, by magnitude; all that tie with the last one are.
        scaling: lambda.
        normalize: divide by the weights of those that agree; without, their sum is added.
        scope: what the share is taken over: all of the model, as in the paper (`global`), each `tensor` or each `row`.

    Raises:
        InputError: a density outside (0, 1], or normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> experts = [{"w": torch.tensor([4.0, 0.1, -3.0, 1.0])}, {"w": torch.tensor([2.0, -5.0, 0.2, 0.3])}]
    >>> merge_state_dicts(Ties(density=0.5), experts, base={"w": torch.zeros(4)})["w"]
    tensor([ 3., -5., -3.,  0.])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "ties"

    def __init__(
        self,
        weights: PerExpert = 1.0,
        *,
        density: PerExpert = 0.2,
        scaling: float = 1.0,
        normalize: bool = True,
        scope: Literal["tensor", "row", "global"] = "global",
    ) -> None:
        check_weights(weights, normalize=normalize)
        check_shares("density", density)
        check_finite("scaling", scaling)
        check_choice("scope", scope, ("tensor", "row", "global"))
        self.weights = weights
        self.density = density
        self.scaling = scaling
        self.normalize = normalize
        self.scope = scope

    @property
    def passes(self) -> int:
        """Two, for the magnitudes to keep; none by rows."""
        return 0 if self.scope == "row" else 2

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Counts of magnitudes."""
        return survey_trim(piece, before, bands_of(len(piece.experts), self.density))

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the base with the elected changes added."""
        number = len(piece.experts)
        kept = trimmed(self, piece, surveys, bands_of(number, self.density))
        agreed = disjoint_mean(kept, per_expert("weights", self.weights, number), normalize=self.normalize)
        return torch.add(piece.origin, agreed, alpha=self.scaling)
