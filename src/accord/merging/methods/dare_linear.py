"""Drop changes at random, rescale the rest and add them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.maths.consensus import weighted_sum
from accord.maths.element_random import element_uniforms
from accord.maths.sparsify import keep_at_random
from accord.merging.base import (
    Contract,
    MergeMethod,
    PerExpert,
    Piece,
    check_shares,
    check_weights,
    expert_shares,
    per_expert,
)

__all__ = ["DareLinear"]


class DareLinear(MergeMethod):
    r"""Drop each change with the same probability, rescale the rest, and add them to the base.

    .. math:: \theta = \theta_0 + \lambda \sum_i w_i\,\frac{m_i \odot (\theta_i - \theta_0)}{d}, \qquad
        m_i \sim \mathrm{Bernoulli}(d)

    Its mean over seeds is :class:`TaskArithmetic`; a seed adds noise, the more the lower the density.

    Also known as: DARE, drop and rescale.

    Reference: Yu et al. (2024), Language Models are Super Mario, arXiv:2311.03099, section 3.2 and eq. 3-5.

    Differs from the paper: its drop rates of 0.1 to 0.9 are tuned for each merge; the default is their middle.
    Differs from mergekit, which drops nothing unless told a density, rescales to the former sum of magnitudes, and
    whose draws depend on the order of tensors; here they depend on the seed, the expert, the tensor's name and the
    place.

    Args:
        weights: w, of any sign.
        density: d, the probability of staying.
        scaling: lambda.
        normalize: divide the weights by their sum.
        rescale: divide what stays by d.

    Raises:
        InputError: a density outside (0, 1], or normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> merge_state_dicts(DareLinear(0.5), [{"w": torch.ones(6)}], base={"w": torch.zeros(6)}, seed=1)["w"].unique()
    tensor([0., 1.])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "dare_linear"

    def __init__(
        self,
        weights: PerExpert = 0.3,
        *,
        density: PerExpert = 0.5,
        scaling: float = 1.0,
        normalize: bool = False,
        rescale: bool = True,
    ) -> None:
        check_weights(weights, normalize=normalize)
        check_shares("density", density)
        check_finite("scaling", scaling)
        self.weights = weights
        self.density = density
        self.scaling = scaling
        self.normalize = normalize
        self.rescale = rescale

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the base with the surviving changes added."""
        del surveys
        number = len(piece.experts)
        kept = (
            keep_at_random(
                change,
                element_uniforms([piece.seed, expert, piece.name], piece.first, change.numel()),
                density,
                rescale=self.rescale,
            )
            for expert, (change, density) in enumerate(zip(piece.changes, per_expert("density", self.density, number)))
        )
        weights = expert_shares(self.weights, number, normalize=self.normalize)
        return torch.add(piece.origin, weighted_sum(kept, weights), alpha=self.scaling)
