"""Drop small changes more often than large ones, rescale the rest and add them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.core.errors import InputError
from accord.maths.consensus import weighted_sum
from accord.maths.element_random import element_uniforms
from accord.maths.sparsify import keep_by_rank
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

__all__ = ["DellaLinear"]


class DellaLinear(MergeMethod):
    r"""Drop small changes more often than large ones, rescale the rest and add them up.

    .. math:: \theta = \theta_0 + \lambda \sum_i w_i \tilde\tau_i, \qquad
        \tilde\tau_{ij} = \frac{m_{ij}\,\tau_{ij}}{p_{ij}}, \qquad m_{ij} \sim \mathrm{Bernoulli}(p_{ij}),

    where :math:`p_{ij}` rises evenly from :math:`d - \epsilon` to :math:`d + \epsilon` with the rank of
    :math:`|\tau_{ij}|` in its row. Its mean over seeds is :class:`TaskArithmetic`.

    Also known as: MagPrune without sign election, drop and rescale by magnitude.

    Reference: Deep et al. (2024), DELLA-Merging, arXiv:2406.11617, section 3.1, and its ablation without the election.

    Differs from the paper: its scaling is tuned for each merge; the default adds what is found. A row is what belongs
    to one output of a layer; a tensor of one dimension is one row. Differs from mergekit, which drops nothing unless
    told a density, and whose draws depend on the order of tensors; here they depend on the seed, the expert, the
    tensor's name and the place.

    Args:
        weights: w, of any sign.
        density: d, the mean probability of staying.
        epsilon: half of the difference between the probabilities of a row's largest and smallest change.
        scaling: lambda.
        normalize: divide the weights by their sum.

    Raises:
        InputError: probabilities outside (0, 1], or normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> method = DellaLinear(1.0, density=0.5, epsilon=0.25)
    >>> merge_state_dicts(method, [{"w": torch.tensor([1.0, 2.0])}], base={"w": torch.zeros(2)}, seed=2)["w"]
    tensor([0.0000, 2.6667])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "della_linear"

    def __init__(
        self,
        weights: PerExpert = 0.3,
        *,
        density: PerExpert = 0.7,
        epsilon: PerExpert = 0.15,
        scaling: float = 1.0,
        normalize: bool = False,
    ) -> None:
        check_weights(weights, normalize=normalize)
        check_shares("density", density)
        check_finite("scaling", scaling)
        number = max([1, *(len(v) for v in (density, epsilon) if isinstance(v, Sequence))])
        for d, e in zip(per_expert("density", density, number), per_expert("epsilon", epsilon, number)):
            if not (e >= 0 and d - e > 0 and d + e <= 1 + 1e-9):
                raise InputError(
                    "`epsilon` must be at least 0, `density` - `epsilon` above 0 and `density` + `epsilon` at most 1, "
                    f"for these are probabilities. Got density {d} and epsilon {e} instead."
                )
        self.weights = weights
        self.density = density
        self.epsilon = epsilon
        self.scaling = scaling
        self.normalize = normalize

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the base with the surviving changes added."""
        del surveys
        number = len(piece.experts)
        chances = zip(per_expert("density", self.density, number), per_expert("epsilon", self.epsilon, number))
        kept = (
            keep_by_rank(
                change.reshape(-1, piece.row_length),
                element_uniforms([piece.seed, expert, piece.name], piece.first, change.numel()),
                density,
                epsilon,
            ).view(change.shape)
            for expert, (change, (density, epsilon)) in enumerate(zip(piece.changes, chances))
        )
        weights = expert_shares(self.weights, number, normalize=self.normalize)
        return torch.add(piece.origin, weighted_sum(kept, weights), alpha=self.scaling)
