"""What learned merges are made of: losses of weights, and what was found by going down them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.merging.base import MergeMethod, StateDict
from accord.merging.memory import merge_state_dicts

__all__ = ["Learned", "LearnedMethod", "Loss"]

Loss = Callable[[StateDict], Tensor]
"""How bad some weights are, a scalar, with its graph; whoever makes it closes over the model and the data."""


@dataclass(frozen=True)
class Learned:
    """What a learned merge found.

    Args:
        method: the merge with plain numbers: it needs no data any more, and merges folders as well as state dicts.
        coefficients: name of a block, or "all" -> how much of each expert went in, in the order of the experts; of a
            block in several parts, expert by expert and part by part.
        losses: one a step, before it was taken; of methods without steps, one an expert.
        details: further numbers, by name.
    """

    method: MergeMethod
    coefficients: Mapping[str, Sequence[float]]
    losses: Sequence[float]
    details: Mapping[str, Any] = field(default_factory=dict)

    def weights(self, base: StateDict, experts: Sequence[StateDict]) -> dict[str, Tensor]:
        """The merged weights.

        Args:
            base: as it was given when this was learned.
            experts: likewise, in the same order.
        """
        return merge_state_dicts(self.method, experts, base)

    def summary(self) -> dict[str, Any]:
        """All numbers, as JSON takes them."""
        return {
            "coefficients": {name: [round(float(v), 6) for v in row] for name, row in self.coefficients.items()},
            "losses": [float(loss) for loss in self.losses],
            **self.details,
        }


class LearnedMethod(Described, ABC):
    """Numbers of a merge, from losses on a probe: a small set of examples.

    Attributes:
        name: in merge files.
    """

    name: ClassVar[str]

    @abstractmethod
    def learn(
        self,
        base: StateDict,
        experts: Sequence[StateDict],
        losses: Loss | Sequence[Loss],
        *,
        progress: Progress = silent,
    ) -> Learned:
        """Find the numbers.

        Args:
            base: what the experts come from.
            experts: models of the same tensors.
            losses: what to minimise; several, such as the batches of a probe, take turns.
            progress: opens a bar.

        Raises:
            InputError: experts that do not fit the base, or a loss that is not a finite number.
        """
