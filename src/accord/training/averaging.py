"""Averaging the weights of a run over its steps: what the run ends with is their mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["EMA", "Averaging", "Last", "blend", "check_fits"]


def blend(mean: dict[str, Tensor], weights: Mapping[str, Tensor], share: float) -> None:
    r"""Move a running mean towards some weights, in place: :math:`m \leftarrow m + s (\theta - m)`.

    Args:
        mean: float32 tensors by name; empty before the first call.
        weights: by name; what is not of floating point is left out.
        share: s, in [0, 1]; 0 leaves the mean as it is, 1 takes the weights.

    >>> mean = {}
    >>> blend(mean, {"w": torch.tensor([4.0])}, 1.0)
    >>> blend(mean, {"w": torch.tensor([8.0])}, 0.5)
    >>> mean
    {'w': tensor([6.])}
    """
    if not share:
        return
    with torch.no_grad():
        for name, tensor in weights.items():
            if not tensor.is_floating_point():
                continue
            if name not in mean or share == 1:
                mean[name] = tensor.detach().float().clone()
            else:
                mean[name].lerp_(tensor.detach().float(), share)


class Averaging(Described, ABC):
    """A weighted mean of the weights after the steps of a run, as a running mean: one more copy of them in float32."""

    @abstractmethod
    def share(self, step: int, steps: int) -> float:
        """How far the mean moves towards the weights after `step`, counted from 1, of `steps`: 0 skips them."""


class Last(Averaging):
    r"""The mean of the last checkpoints of a run.

    .. math:: \bar\theta = \frac{1}{c} \sum_{k=0}^{c-1} \theta_{T - k e}

    after T steps, with c checkpoints, e steps apart. A run too short for all of them averages those that it has.

    Also known as: checkpoint averaging; tail averaging; LAWA.

    Reference: Clavié (2024), JaColBERTv2.5, arXiv:2407.20750 (checkpoint averaging); Vaswani et al. (2017),
    arXiv:1706.03762, section 6.1; Izmailov et al. (2018), arXiv:1803.05407, for the mean along a run.

    Differs from the paper: the mean with the model that fine-tuning started from is a merge of two models
    (:class:`accord.merging.Linear`), whose weight is chosen afterwards. Under an adapter its factors are averaged.

    Args:
        count: c, at least 2.
        every: e, steps between two of them, at least 1.

    >>> [round(Last(count=3, every=20).share(step, 100), 2) for step in (40, 60, 70, 80, 100)]
    [0.0, 1.0, 0.0, 0.5, 0.33]
    """

    def __init__(self, *, count: int = 3, every: int = 20) -> None:
        check_at_least("count", count, 2)
        check_at_least("every", every, 1)
        self.count = count
        self.every = every

    def share(self, step: int, steps: int) -> float:
        """1 for the first checkpoint, then 1/2, 1/3, ...; 0 between them."""
        left, between = divmod(steps - step, self.every)
        if between or left >= self.count:
            return 0.0
        taken = min(self.count, (steps - 1) // self.every + 1) - left
        return 1.0 / taken


class EMA(Averaging):
    r"""An exponentially decaying mean over all steps of a run.

    .. math:: \bar\theta_t = \bar\theta_{t-1} + \frac{1 - d}{1 - d^t} (\theta_t - \bar\theta_{t-1})

    so that the weights of step s count in proportion to :math:`d^{t-s}`, and those before the first step not at all.

    Also known as: exponential moving average, Polyak averaging with decay.

    Reference: Kingma & Ba (2015), arXiv:1412.6980, section 7.2 (temporal averaging, with the correction of section 3).

    Differs from the paper: nothing. Under an adapter its factors are averaged.

    Args:
        decay: d, in (0, 1); about 1 / (1 - d) steps count.

    >>> [round(EMA(decay=0.5).share(step, 100), 3) for step in (1, 2, 3)]
    [1.0, 0.667, 0.571]
    """

    def __init__(self, *, decay: float = 0.999) -> None:
        check_fraction("decay", decay, closed=False)
        self.decay = decay

    def share(self, step: int, steps: int) -> float:
        """(1 - d) / (1 - d^step)."""
        del steps
        return (1.0 - self.decay) / (1.0 - self.decay**step)


def check_fits(average: Averaging, steps: int) -> None:
    """Refuse to average checkpoints that a run of `steps` does not reach.

    Raises:
        InputError: the first checkpoint would lie before the first step.
    """
    if isinstance(average, Last) and (average.count - 1) * average.every >= steps:
        raise InputError(
            f"`train.average` takes {average.count} checkpoints {average.every} steps apart, which needs more than "
            f"{(average.count - 1) * average.every} steps. Got {steps}: lower `every` or `count`, or train longer."
        )
