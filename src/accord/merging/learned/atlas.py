"""aTLAS: a learned coefficient for every task vector in every parameter block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from accord.core.checks import check_at_least, check_choice, check_finite, check_positive
from accord.core.progress import Progress, silent
from accord.merging.base import StateDict
from accord.merging.learned.base import Learned, LearnedMethod, Loss
from accord.merging.learned.blocks import BLOCKS, block_of
from accord.merging.learned.coefficients import Coefficients, element_parts
from accord.merging.learned.descent import as_losses, descend
from accord.merging.learned.task_vectors import TaskVectors

__all__ = ["ATLAS"]


class ATLAS(LearnedMethod):
    r"""One coefficient for each task vector and parameter block, learned on a few examples.

    .. math:: \theta_b = \theta_{0,b} + \sum_i \lambda_{i,b} \, \tau_{i,b}

    Each block may be divided further into K random parts with a coefficient each (aTLAS x K). With the loss of a task
    that no expert has seen, the same is few-shot adaptation: a new model from what the experts know.

    Also known as: anisotropic scaling of task vectors, task vector composition.

    Reference: Zhang et al. (2024), Knowledge Composition using Task Vectors with Learned Anisotropic Scaling,
    arXiv:2407.02880, eq. 3, sections 4 and 6 (partitions).

    Differs from the paper: all tensors get coefficients, biases and norms as well; fewer steps at a higher rate.

    Args:
        steps: gradient steps; the batches of the probe take turns.
        learning_rate: of AdamW; it falls to zero along half a cosine. The paper's 1e-3 needs thousands of steps.
        weight_decay: of AdamW; draws coefficients to zero.
        clip: largest norm of the gradient.
        start: coefficients to start from; 0 is the base, 1 / N the mean of N experts.
        blocks: "tensor", each its own block as in the paper; "layer", or "model" for one block.
        partitions: K, random parts of each tensor with coefficients of their own.
        seed: of the parts.

    Raises:
        InputError: a number out of its range.
    """

    name: ClassVar = "atlas"

    def __init__(
        self,
        *,
        steps: int = 100,
        learning_rate: float = 0.02,
        weight_decay: float = 0.1,
        clip: float = 1.0,
        start: float = 0.0,
        blocks: str = "tensor",
        partitions: int = 1,
        seed: int = 0,
    ) -> None:
        check_at_least("steps", steps, 1)
        check_positive("learning_rate", learning_rate)
        check_at_least("weight_decay", weight_decay, 0)
        check_positive("clip", clip)
        check_finite("start", start)
        check_choice("blocks", blocks, BLOCKS)
        check_at_least("partitions", partitions, 1)
        self.steps = steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clip = clip
        self.start = start
        self.blocks = blocks
        self.partitions = partitions
        self.seed = seed

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
            Coefficients by block, expert by expert, and part by part of each expert.

        Raises:
            InputError: experts that do not fit the base, or a loss that is no number.
        """
        vectors = TaskVectors(base, experts)
        shape = (vectors.number,) if self.partitions == 1 else (vectors.number, self.partitions)
        block = {name: block_of(name, self.blocks) for name in vectors.deltas}
        numbers = {b: torch.full(shape, self.start, requires_grad=True) for b in dict.fromkeys(block.values())}
        parts = self._parts(vectors)
        found = descend(
            lambda: vectors.place({name: numbers[b] for name, b in block.items()}, parts),
            as_losses(losses),
            optimizer=torch.optim.AdamW(numbers.values(), lr=self.learning_rate, weight_decay=self.weight_decay),
            steps=self.steps,
            name=self.name,
            progress=progress,
            clip=self.clip,
        )
        weights = {name: numbers[b].tolist() for name, b in block.items()}
        method = Coefficients(weights, partitions=self.partitions, seed=self.seed)
        return Learned(method, {b: own.detach().flatten().tolist() for b, own in numbers.items()}, found)

    def _parts(self, vectors: TaskVectors) -> dict[str, torch.Tensor]:
        if self.partitions == 1:
            return {}
        return {
            name: element_parts(0, t.numel(), self.partitions, seed=self.seed).view(t.shape).to(t.device)
            for name, t in vectors.base.items()
        }
