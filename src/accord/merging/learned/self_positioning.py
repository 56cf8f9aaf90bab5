"""Self Positioning: a chain of spherical interpolations through the task vectors, placed by a probe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from accord.core.checks import check_at_least, check_positive
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.merging.base import StateDict
from accord.merging.learned.base import Learned, LearnedMethod, Loss
from accord.merging.learned.coefficients import Coefficients
from accord.merging.learned.descent import as_losses, descend
from accord.merging.learned.task_vectors import TaskVectors

__all__ = ["SelfPositioning", "spherical_chain"]

PARALLEL = 0.9995
"""Cosine from which on two vectors are interpolated along a straight line."""


def spherical_chain(gramian: Tensor, proportions: Tensor) -> Tensor:
    r"""Coefficients of the task vectors in a chain of spherical interpolations.

    .. math:: V_1 = \tau_1, \quad V_k = \mathrm{slerp}\!\left(V_{k-1}, \tau_k;\;
        \frac{a_k}{\mathrm{mean}(a_1 \dots a_{k-1}) + a_k}\right) = \sum_i c_i \tau_i

    The angles are those between whole vectors, which scalar products tell; so nothing of the size of a model is needed.
    Vectors keep their lengths: a chain through N orthogonal vectors of one length is about as long as each of them,
    while their mean is shorter by the root of N. The order of the vectors matters.

    Args:
        gramian: (N, N) scalar products of the task vectors.
        proportions: (N,) a, positive.

    Returns:
        (N,) c, differentiable with respect to a.

    >>> spherical_chain(torch.eye(2), torch.ones(2))
    tensor([0.7071, 0.7071])
    """
    chain = torch.zeros_like(proportions)
    chain[0] = 1.0
    for k in range(1, len(proportions)):
        share = proportions[k] / (proportions[:k].mean() + proportions[k])
        across = gramian[k] @ chain
        length = (chain @ gramian @ chain).clamp_min(0).sqrt()
        cosine = across / (length * gramian[k, k].sqrt()).clamp_min(torch.finfo(gramian.dtype).tiny)
        if abs(float(cosine.detach())) > PARALLEL:
            kept, added = 1 - share, share
        else:
            angle = torch.acos(cosine)
            kept, added = torch.sin((1 - share) * angle) / torch.sin(angle), torch.sin(share * angle) / torch.sin(angle)
        step = torch.zeros_like(proportions)
        step[k] = 1.0
        chain = kept * chain + added * step
    return chain


class SelfPositioning(LearnedMethod):
    r"""A model at the best place that a chain of spherical interpolations of the task vectors reaches.

    .. math:: \min_{a, \lambda} \; L(\theta_0 + \lambda V(a)) + \mu \lambda

    with V as in :func:`spherical_chain`: N proportions decide the direction, one length how far to go. There are N + 1
    numbers to learn, so a small probe suffices, and each step costs one pass forward and one back.

    Reference: Li et al. (2024), Improving General Text Embedding Model, arXiv:2410.15035, section 4.

    Differs from the paper: proportions are kept positive by a softplus; the learning rate falls to zero, so that fewer
    steps do; the loss is that of the tasks, not always InfoNCE. The paper's probe has 32,000 pairs.

    Args:
        steps: gradient steps; the batches of the probe take turns.
        learning_rate: of Adam.
        penalty: mu, of the length; the paper tries 0, 0.05 and 0.1, and does best below 0.05.
        length: lambda to start from.

    Raises:
        InputError: a number out of its range.
    """

    name: ClassVar = "self_positioning"

    def __init__(
        self, *, steps: int = 100, learning_rate: float = 0.05, penalty: float = 0.01, length: float = 1.0
    ) -> None:
        check_at_least("steps", steps, 1)
        check_positive("learning_rate", learning_rate)
        check_at_least("penalty", penalty, 0)
        check_positive("length", length)
        self.steps = steps
        self.learning_rate = learning_rate
        self.penalty = penalty
        self.length = length

    def learn(
        self,
        base: StateDict,
        experts: Sequence[StateDict],
        losses: Loss | Sequence[Loss],
        *,
        progress: Progress = silent,
    ) -> Learned:
        """Find proportions and length.

        Args:
            base: what the experts come from.
            experts: models of the same tensors.
            losses: what to minimise; several take turns.
            progress: opens a bar.

        Returns:
            One coefficient an expert; `proportions` and `length` among the details.

        Raises:
            InputError: experts that do not fit the base or do not differ from it, or a loss that is no number.
        """
        vectors = TaskVectors(base, experts)
        gramian = vectors.gramian()
        for number in range(vectors.number):
            if not gramian[number, number] > 0:
                raise InputError(f"Expert {number + 1} does not differ from the base. Leave it out.")
        raw = torch.full((vectors.number,), 0.5413, dtype=torch.float64, requires_grad=True)  # softplus gives 1
        length = torch.tensor(self.length, dtype=torch.float64, requires_grad=True)
        found = descend(
            lambda: vectors.place(length * spherical_chain(gramian, softplus(raw))),
            as_losses(losses),
            optimizer=torch.optim.Adam([raw, length], lr=self.learning_rate),
            steps=self.steps,
            name=self.name,
            progress=progress,
            penalty=lambda: self.penalty * length,
        )
        with torch.no_grad():
            proportions = softplus(raw)
            coefficients = (length * spherical_chain(gramian, proportions)).tolist()
        details = {"proportions": proportions.tolist(), "length": float(length.detach())}
        return Learned(Coefficients(coefficients), {"all": coefficients}, found, details)
