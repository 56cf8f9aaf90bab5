"""LM-Cocktail: experts weighted by how well each does on a few examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.merging.base import StateDict
from accord.merging.learned.base import Learned, LearnedMethod, Loss
from accord.merging.learned.coefficients import Coefficients
from accord.merging.learned.descent import as_losses

__all__ = ["LMCocktail", "cocktail_weights"]


def cocktail_weights(losses: Sequence[float], *, temperature: float = 1.0) -> list[float]:
    r"""The weights :math:`\mathrm{softmax}(-L_i / T)`.

    Args:
        losses: (N,) of the experts.
        temperature: T; the lower, the more the best expert gets.

    Returns:
        (N,) that sum to 1.

    >>> [round(w, 2) for w in cocktail_weights([0.5, 1.0, 2.0])]
    [0.55, 0.33, 0.12]
    >>> [round(w, 2) for w in cocktail_weights([0.5, 1.0, 2.0], temperature=5.0)]
    [0.38, 0.34, 0.28]
    """
    return torch.softmax(-torch.tensor(losses, dtype=torch.float64) / temperature, dim=0).tolist()


class LMCocktail(LearnedMethod):
    r"""The mean of experts, weighted by their losses on a few examples of the task that is wanted.

    .. math:: \theta = \sum_i w_i \theta_i, \quad w = \mathrm{softmax}(-L / T)

    No gradient is needed: each expert is tried once. The examples decide alone, so they should be of the task that the
    model is for; five to a hundred do.

    Reference: Xiao et al. (2023), LM-Cocktail: Resilient Tuning of Language Models via Model Merging, arXiv:2311.13534,
    section 3.

    Differs from the paper: T is 1, not 5. The losses of embedding models differ by little, and with T = 5 experts with
    losses of 0.5, 1 and 2 get weights of 0.38, 0.34 and 0.28, nearly the plain mean.

    Args:
        temperature: T.
        with_base: the base is one of those that are weighted.

    Raises:
        InputError: a temperature that is not positive.
    """

    name: ClassVar = "lm_cocktail"

    def __init__(self, *, temperature: float = 1.0, with_base: bool = False) -> None:
        check_positive("temperature", temperature)
        self.temperature = temperature
        self.with_base = with_base

    def learn(
        self,
        base: StateDict,
        experts: Sequence[StateDict],
        losses: Loss | Sequence[Loss],
        *,
        progress: Progress = silent,
    ) -> Learned:
        """Try each expert.

        Args:
            base: what the experts come from.
            experts: models of the same tensors.
            losses: their mean is what counts.
            progress: opens a bar.

        Returns:
            One weight an expert; the losses are those of the experts, then of the base where it is one of them.

        Raises:
            InputError: a loss that is not a finite number.
        """
        tried, measured = as_losses(losses), []
        with torch.no_grad(), progress(self.name, total=len(experts) + self.with_base, unit="models") as advance:
            for number in range(len(experts) + self.with_base):
                expert = experts[number] if number < len(experts) else base
                measured.append(sum(float(loss(expert)) for loss in tried) / len(tried))
                advance(1)
        for number, loss in enumerate(measured):
            if not torch.isfinite(torch.tensor(loss)):
                raise InputError(f"The loss of expert {number + 1} is {loss}. Look at the model and at the examples.")
        weights = cocktail_weights(measured, temperature=self.temperature)[: len(experts)]
        return Learned(Coefficients(weights), {"all": weights}, measured)
