"""Drop changes at random, rescale the rest, elect a sign and average those that have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.maths.consensus import disjoint_mean
from accord.maths.element_random import element_uniforms
from accord.maths.sparsify import keep_at_random
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, check_shares, check_weights, per_expert

__all__ = ["DareTies"]


class DareTies(MergeMethod):
    r"""Drop each change with the same probability and rescale the rest; then elect signs and average, as TIES does.

    .. math:: \theta = \theta_0 + \lambda\,\frac{\sum_{i \in A} w_i \tilde\tau_i}{\sum_{i \in A} w_i}, \qquad
        \tilde\tau_i = \frac{m_i \odot (\theta_i - \theta_0)}{d}, \qquad m_i \sim \mathrm{Bernoulli}(d),

    where A holds the experts whose change has the sign of the weighted sum.

    Also known as: DARE with TIES, drop and rescale with sign election.

    Reference: Yu et al. (2024), Language Models are Super Mario, arXiv:2311.03099, section 3.2 and eq. 3-5; Yadav et
    al. (2023), arXiv:2306.01708, for the election.

    Differs from the paper: its drop rates of 0.1 to 0.9 are tuned for each merge; the default is their middle.
    Differs from mergekit, which drops nothing unless told a density, adds up those that agree instead of averaging
    them, and whose draws depend on the order of tensors; here they depend on the seed, the expert, the tensor's name
    and the place.

    Args:
        weights: w, of any sign; with a negative one, the change counts as its opposite.
        density: d, the probability of staying.
        scaling: lambda.
        normalize: divide by the weights of those that agree; without, their sum is added.
        rescale: divide what stays by d.

    Raises:
        InputError: a density outside (0, 1], or normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> merge_state_dicts(DareTies(density=1.0), [{"w": torch.tensor([3.0])}, {"w": torch.tensor([-1.0])}],
    ...                   base={"w": torch.zeros(1)})["w"]
    tensor([3.])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "dare_ties"

    def __init__(
        self,
        weights: PerExpert = 1.0,
        *,
        density: PerExpert = 0.5,
        scaling: float = 1.0,
        normalize: bool = True,
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
        agreed = disjoint_mean(kept, per_expert("weights", self.weights, number), normalize=self.normalize)
        return torch.add(piece.origin, agreed, alpha=self.scaling)
