"""Down a loss by gradient steps: the small optimiser of what is fitted on plain arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.progress import Progress, silent

__all__ = ["adam_descent"]


def adam_descent(
    weights: Sequence[Tensor],
    loss: Callable[[int], Tensor],
    *,
    steps: int,
    learning_rate: float,
    clip: float = 1.0,
    name: str = "fit",
    progress: Progress = silent,
) -> list[float]:
    r"""Change weights in place, step by step, so that a loss falls.

    The rate rises over the first twentieth of the steps and falls to zero along half a cosine.

    Reference: Kingma and Ba (2015), Adam, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter (2017), SGDR,
    arXiv:1608.03983, eq. 5, for the cosine.

    Args:
        weights: that require gradients.
        loss: of the number of a step, from 0; it draws whatever it draws from a generator of its own.
        steps: how many.
        learning_rate: the largest.
        clip: largest norm of the gradient of all weights together.
        name: of the bar.
        progress: opens it.

    Returns:
        The loss of each step, before it was taken.

    Raises:
        InputError: a loss that is not a finite number.

    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> losses = adam_descent([x], lambda step: (x**2).sum(), steps=200, learning_rate=0.1)
    >>> abs(x.item()) < 0.1, len(losses)
    (True, 200)
    """
    check_positive("learning_rate", learning_rate)
    optimizer = torch.optim.Adam(list(weights), lr=learning_rate)
    rising = max(1, steps // 20)
    found = []
    with progress(name, total=steps, unit="steps") as advance:
        for step in range(steps):
            share = min(1.0, (step + 1) / rising) * (1 + math.cos(math.pi * step / steps)) / 2
            optimizer.param_groups[0]["lr"] = learning_rate * share
            optimizer.zero_grad(set_to_none=True)
            value = loss(step)
            found.append(float(value.detach()))
            if not math.isfinite(found[-1]):
                raise InputError(f"The loss is {found[-1]} at step {step + 1} of `{name}`. Lower `learning_rate`.")
            value.backward()
            torch.nn.utils.clip_grad_norm_(list(weights), clip)
            optimizer.step()
            advance(1)
    return found
