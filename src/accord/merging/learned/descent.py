"""Down the losses of a probe by gradient steps on a few numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.progress import Progress
from accord.merging.base import StateDict
from accord.merging.learned.base import Loss

__all__ = ["as_losses", "descend"]


def as_losses(losses: Loss | Sequence[Loss]) -> Sequence[Loss]:
    """Several losses, where one may have been given.

    Raises:
        InputError: none.
    """
    found = [losses] if callable(losses) else list(losses)
    if not found:
        raise InputError("`losses` must hold at least one loss. Got none.")
    return found


def descend(
    place: Callable[[], StateDict],
    losses: Sequence[Loss],
    *,
    optimizer: torch.optim.Optimizer,
    steps: int,
    name: str,
    progress: Progress,
    penalty: Callable[[], Tensor] | None = None,
    clip: float | None = None,
    after: Callable[[], None] | None = None,
) -> list[float]:
    """Take gradient steps; the losses take turns, and the learning rate falls to zero along half a cosine.

    Args:
        place: the weights that the numbers mean, with gradients to them.
        losses: of weights.
        optimizer: over the numbers, which are changed in place.
        steps: how many.
        name: of the bar.
        progress: opens it.
        penalty: added to each loss; not part of what is returned.
        clip: largest norm of the gradient.
        after: called after each step, e.g. to put numbers back into their range.

    Returns:
        The loss of each step, before it was taken.

    Raises:
        InputError: a loss that is not a finite number.
    """
    found = []
    rates = [group["lr"] for group in optimizer.param_groups]
    with progress(name, total=steps, unit="steps") as advance:
        for step in range(steps):
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
            optimizer.zero_grad(set_to_none=True)
            loss = losses[step % len(losses)](place())
            found.append(float(loss.detach()))
            if not math.isfinite(found[-1]):
                raise InputError(f"The loss is {found[-1]} at step {step + 1} of `{name}`. Lower `learning_rate`.")
            (loss if penalty is None else loss + penalty().to(loss)).backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_([n for group in optimizer.param_groups for n in group["params"]], clip)
            optimizer.step()
            if after is not None:
                after()
            advance(1)
    return found
