"""What merging is made of: a method, the piece of a tensor that it works on, and what it has to know beforehand.

A method sees one piece of one tensor at a time, of the base and of all experts, so that a merge needs memory for a few
pieces and not for the models. What depends on more than a piece (a threshold, an angle, a norm) is gathered first, by
surveys whose sums the method is given back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from accord.core.errors import InputError

__all__ = ["Contract", "MergeMethod", "PerExpert", "Piece", "StateDict", "per_expert"]

StateDict = Mapping[str, Tensor]
"""Weights by name."""

PerExpert = float | Sequence[float]
"""A number for every expert, or one each."""


@dataclass(frozen=True)
class Contract:
    """What a method has to be given.

    Args:
        base: whether it needs the model that the experts come from.
        least: fewest experts.
        most: most experts; None for any number.
    """

    base: Literal["required", "optional", "unused"]
    least: int = 1
    most: int | None = None


@dataclass(frozen=True)
class Piece:
    """Some rows of one tensor, the same in every model.

    Args:
        name: of the tensor.
        experts: (N,) tensors of equal shape: whole rows, float32.
        base: the same rows of the base.
        first: number of the piece's first element within the whole tensor, in row-major order.
        shape: of the whole tensor.
        seed: of the run; what is drawn depends on it, the expert, the tensor's name and an element's number alone.
    """

    name: str
    experts: Sequence[Tensor]
    base: Tensor | None
    first: int
    shape: tuple[int, ...]
    seed: int = 0

    @property
    def deltas(self) -> Tensor:
        """(N, ...) what each expert changed: expert minus base."""
        if self.base is None:
            raise InputError(f"`{self.name}`: this method needs a base model, and none was given. Name it by `base`.")
        return torch.stack(list(self.experts)) - self.base


class MergeMethod(ABC):
    """Weights from weights.

    The constructor takes plain numbers and checks them; an argument of type :data:`PerExpert` has one for each expert.

    Attributes:
        contract: what it has to be given.
        name: in merge files, as mergekit calls it where mergekit has it.
        whole: needs its tensors in one piece.
        passes: surveys before the merge.
        scope: what a survey sums over: all pieces of a tensor, or all of the model.
    """

    contract: ClassVar[Contract]
    name: ClassVar[str]
    whole: ClassVar[bool] = False

    @property
    def passes(self) -> int:
        """How often every piece is surveyed before any is merged."""
        return 0

    @property
    def scope(self) -> Literal["tensor", "global"]:
        """What a survey's sum covers."""
        return "tensor"

    def survey(self, piece: Piece, before: Sequence[Any]) -> Any:
        """What a piece adds to the next survey; surveys are summed by `+`.

        Args:
            piece: some rows.
            before: sums of the earlier passes.
        """
        raise NotImplementedError

    @abstractmethod
    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The merged rows, float32, of the shape of one expert's; differentiable where the mathematics is.

        Args:
            piece: some rows.
            surveys: one sum a pass.
        """

    def for_experts(self, number: int) -> Self:
        """Itself, after a look at whether it fits so many experts.

        Raises:
            InputError: too few or too many experts.
        """
        least, most = self.contract.least, self.contract.most
        if number < least or (most is not None and number > most):
            wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
            raise InputError(f"`{self.name}` merges {wanted} models. Got {number}.")
        return self


def per_expert(name: str, value: PerExpert, number: int) -> list[float]:
    """One number for each expert.

    Raises:
        InputError: as many numbers as there are experts were wanted.

    >>> per_expert("weights", 0.5, 3), per_expert("weights", [1, 2], 2)
    ([0.5, 0.5, 0.5], [1.0, 2.0])
    """
    if isinstance(value, (int, float)):
        return [float(value)] * number
    if len(value) != number:
        raise InputError(f"`{name}` must be one number, or one for each of {number} models. Got {len(value)} instead.")
    return [float(v) for v in value]
