"""AdaMerging carried over to embeddings: a coefficient for each expert and layer, found without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_at_least, check_choice, check_finite, check_positive
from accord.core.progress import Progress, silent
from accord.merging.base import StateDict
from accord.merging.learned.base import Learned, LearnedMethod, Loss
from accord.merging.learned.blocks import BLOCKS, block_of
from accord.merging.learned.coefficients import Coefficients
from accord.merging.learned.descent import as_losses, descend
from accord.merging.learned.task_vectors import TaskVectors

__all__ = ["AdaMerging", "similarity_gap"]


def similarity_gap(own: Float[Tensor, "n n"], expert: Float[Tensor, "n n"]) -> Tensor:
    r"""How far the similarities of some texts are from those that an expert sees.

    .. math:: \frac{1}{n (n - 1)} \sum_{i \ne j} (s_{ij} - s'_{ij})^2

    Args:
        own: similarities of every text with every other.
        expert: likewise, by the expert.

    Returns:
        A scalar, at least 0.

    >>> similarity_gap(torch.eye(2), torch.tensor([[1.0, 0.5], [0.5, 1.0]]))
    tensor(0.2500)
    """
    count = len(own)
    gaps = (own - expert).square()
    return (gaps.sum() - gaps.diagonal().sum()) / max(count * (count - 1), 1)


class AdaMerging(LearnedMethod):
    r"""A coefficient in [0, 1] for each expert and layer, found on texts without labels.

    .. math:: \theta_l = \theta_{0,l} + \sum_i \lambda_{i,l} \, \tau_{i,l}

    Reference: Yang et al. (2024), AdaMerging: Adaptive Model Merging for Multi-Task Learning, arXiv:2310.02575, section
    3.

    Differs from the paper: an encoder gives no class probabilities whose entropy could be lowered. The loss is meant to
    be :func:`similarity_gap` instead: on the texts of each expert's task the merged model is to see the similarities
    that the expert sees. The method is given that loss, and takes any other.

    Args:
        steps: gradient steps; the losses take turns.
        learning_rate: of Adam; it falls to zero along half a cosine.
        start: coefficients to start from.
        blocks: "layer" as in the paper, "tensor", or "model" for one number an expert ("task-wise" in the paper).

    Raises:
        InputError: a number out of its range.
    """

    name: ClassVar = "adamerging"

    def __init__(
        self, *, steps: int = 100, learning_rate: float = 0.02, start: float = 0.3, blocks: str = "layer"
    ) -> None:
        check_at_least("steps", steps, 1)
        check_positive("learning_rate", learning_rate)
        check_finite("start", start)
        check_choice("blocks", blocks, BLOCKS)
        self.steps = steps
        self.learning_rate = learning_rate
        self.start = start
        self.blocks = blocks

    def learn(
        self,
        base: StateDict,
        experts: Sequence[StateDict],
        losses: Loss | Sequence[Loss],
        *,
        progress: Progress = silent,
    ) -> Learned:
        """Find the coefficients.

        Args:
            base: what the experts come from.
            experts: models of the same tensors.
            losses: what to minimise; several take turns.
            progress: opens a bar.

        Returns:
            Coefficients by block, one an expert.

        Raises:
            InputError: experts that do not fit the base, or a loss that is no number.
        """
        vectors = TaskVectors(base, experts)
        block = {name: block_of(name, self.blocks) for name in vectors.deltas}
        blocks = dict.fromkeys(block.values())
        numbers = {b: torch.full((vectors.number,), self.start, requires_grad=True) for b in blocks}

        @torch.no_grad()
        def clamp() -> None:
            for own in numbers.values():
                own.clamp_(0.0, 1.0)

        found = descend(
            lambda: vectors.place({name: numbers[b] for name, b in block.items()}),
            as_losses(losses),
            optimizer=torch.optim.Adam(numbers.values(), lr=self.learning_rate),
            steps=self.steps,
            name=self.name,
            progress=progress,
            after=clamp,
        )
        method = Coefficients({name: numbers[b].tolist() for name, b in block.items()})
        return Learned(method, {b: own.tolist() for b, own in numbers.items()}, found)
