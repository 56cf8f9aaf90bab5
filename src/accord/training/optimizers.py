"""Optimisers as recipe objects: settings now, a torch optimiser for a model's parameters later."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from accord.core.checks import check_at_least, check_fraction, check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["AdamW"]


class AdamW(Described):
    """Adam with decoupled weight decay; biases and normalisation weights do not decay.

    Reference: Loshchilov & Hutter (2019), arXiv:1711.05101, algorithm 2.

    Args:
        lr: peak learning rate, > 0; the schedule scales it.
        weight_decay: at least 0.
        beta1: decay of the mean of gradients, in [0, 1).
        beta2: decay of their squares, in [0, 1).
        eps: > 0.
    """

    def __init__(
        self,
        *,
        lr: float = 5e-5,
        weight_decay: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        check_positive("lr", lr)
        check_at_least("weight_decay", weight_decay, 0)
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            check_fraction(name, beta)
            if beta == 1:
                raise InputError(f"`{name}` must be below 1. Got {beta!r} instead.")
        check_positive("eps", eps)
        self.lr = lr
        self.weight_decay = weight_decay
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps

    def make(self, parameters: Iterable[tuple[str, nn.Parameter]]) -> torch.optim.Optimizer:
        """The torch optimiser for these named parameters; those that need no gradient are left out.

        Raises:
            InputError: nothing to train.
        """
        trained = [(name, p) for name, p in parameters if p.requires_grad]
        if not trained:
            raise InputError("The model has no parameter that needs a gradient: there is nothing to train.")
        decayed = [p for _, p in trained if p.ndim >= 2]
        plain = [p for _, p in trained if p.ndim < 2]
        groups = [
            {"params": decayed, "weight_decay": self.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            fused=True,
        )
