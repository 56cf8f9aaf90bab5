"""Keep changes of middling size and add them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from accord.core.checks import check_choice, check_finite
from accord.core.errors import InputError
from accord.maths.consensus import weighted_sum
from accord.merging.base import (
    Contract,
    MergeMethod,
    PerExpert,
    Piece,
    Survey,
    check_shares,
    check_weights,
    expert_shares,
)
from accord.merging.trimming import bands_of, survey_trim, trimmed

__all__ = ["Breadcrumbs"]


class Breadcrumbs(MergeMethod):
    r"""Keep changes of middling size and add them up.

    .. math:: \theta = \theta_0 + \lambda \sum_i w_i\, m_i \odot (\theta_i - \theta_0),

    where the mask :math:`m_i` drops the largest magnitudes (a share gamma), which are outliers, and, of what follows,
    all but a share `density`, which are too small to matter.

    Also known as: Model Breadcrumbs, sparse masks, two-sided magnitude masking.

    Reference: Davari and Belilovsky (2024), Model Breadcrumbs: Scaling Multi-Task Model Merging with Sparse Masks,
    arXiv:2312.06795, section 3.

    Differs from the paper: a weight for each expert, with the paper's one coefficient as the default. A mask is taken
    over a tensor, the paper's layer; the authors' program takes it over the last dimension, which is `scope: row`.
    Differs from mergekit, which drops nothing unless told a density and asks for weights.

    Args:
        weights: w, of any sign.
        density: share of all elements that stays, by magnitude. In the paper's terms this is 1 - beta - gamma of
            percentiles: 15 % down from the top, less the outliers.
        gamma: share that is dropped from the top.
        scaling: lambda.
        normalize: divide the weights by their sum.
        scope: what the shares are taken over: each `tensor`, each `row`, or all of the model (`global`).

    Raises:
        InputError: a density outside (0, 1], a gamma outside [0, 1), or normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> expert = {"w": torch.tensor([9.0, -3.0, 2.0, 0.1])}
    >>> merge_state_dicts(Breadcrumbs(1.0, density=0.5, gamma=0.25), [expert], base={"w": torch.zeros(4)})["w"]
    tensor([ 0., -3.,  2.,  0.])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "breadcrumbs"

    def __init__(
        self,
        weights: PerExpert = 0.2,
        *,
        density: PerExpert = 0.144,
        gamma: PerExpert = 0.006,
        scaling: float = 1.0,
        normalize: bool = False,
        scope: Literal["tensor", "row", "global"] = "tensor",
    ) -> None:
        check_weights(weights, normalize=normalize)
        check_shares("density", density)
        for share in [gamma] if isinstance(gamma, (int, float)) else gamma:
            if not 0 <= share < 1:
                raise InputError(f"`gamma` must lie in [0, 1). Got {share!r} instead.")
        check_finite("scaling", scaling)
        check_choice("scope", scope, ("tensor", "row", "global"))
        self.weights = weights
        self.density = density
        self.gamma = gamma
        self.scaling = scaling
        self.normalize = normalize
        self.scope = scope

    @property
    def passes(self) -> int:
        """Two, for the magnitudes to keep; none by rows."""
        return 0 if self.scope == "row" else 2

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Counts of magnitudes."""
        return survey_trim(piece, before, bands_of(len(piece.experts), self.density, self.gamma))

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the base with the middling changes added."""
        number = len(piece.experts)
        kept = trimmed(self, piece, surveys, bands_of(number, self.density, self.gamma))
        weights = expert_shares(self.weights, number, normalize=self.normalize)
        return torch.add(piece.origin, weighted_sum(kept, weights), alpha=self.scaling)
