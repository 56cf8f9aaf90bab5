"""What merging is made of: a method, the piece of a tensor that it works on, and what it has to know beforehand.

A method sees one piece of one tensor at a time, of the base and of all experts, so that a merge needs memory for a few
pieces and not for the models. What depends on more than a piece (a threshold, an angle, a norm) is gathered first, by
surveys whose sums the method is given back.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.core.errors import InputError
from accord.core.spec import Described, parameters

__all__ = [
    "Contract",
    "MergeMethod",
    "PerExpert",
    "Piece",
    "StateDict",
    "Survey",
    "check_shares",
    "check_weights",
    "expert_shares",
    "per_expert",
    "row_length",
]

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


def row_length(shape: Sequence[int]) -> int:
    """Elements in a row: what lies at one place of the first dimension.

    A tensor of one dimension, or of none, is a single row.

    >>> row_length((8, 3, 2)), row_length((5,)), row_length(())
    (6, 5, 1)
    """
    return max(math.prod(shape[1:] if len(shape) > 1 else shape), 1)


@dataclass(frozen=True)
class Piece:
    """Some rows of one tensor, the same in every model.

    Args:
        name: of the tensor.
        experts: (N,) tensors of equal shape, float32: whole rows, as :func:`row_length` counts them; so a tensor of one
            dimension comes whole.
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
    def origin(self) -> Tensor:
        """The base, for a method that cannot do without."""
        if self.base is None:
            raise InputError(f"`{self.name}`: this method needs a base model, and none was given. Name it by `base`.")
        return self.base

    @property
    def deltas(self) -> Tensor:
        """(N, ...) what each expert changed: expert minus base."""
        return torch.stack(list(self.experts)) - self.origin

    @property
    def changes(self) -> Iterator[Tensor]:
        """The rows of `deltas`, one at a time: fresh tensors that a method may overwrite."""
        origin = self.origin
        return (expert - origin for expert in self.experts)

    @property
    def row_length(self) -> int:
        """Elements in a row."""
        return row_length(self.shape)


T = TypeVar("T")


class Survey:
    """A sum over pieces that remembers what was worked out from it, so that this is done once and not for each piece.

    Args:
        value: what a piece adds: anything with `+`.

    >>> total = Survey(2.0) + Survey(3.0)
    >>> total.value, total.once("root", lambda value: value**0.5), total.once("root", lambda value: 0.0)
    (5.0, 2.23606797749979, 2.23606797749979)
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self._known: dict[Hashable, Any] = {}

    def __add__(self, other: Survey) -> Survey:
        return Survey(self.value + other.value)

    def __iadd__(self, other: Survey) -> Self:
        self.value += other.value
        self._known.clear()
        return self

    def once(self, key: Hashable, work: Callable[[Any], T]) -> T:
        """The result of `work` on the sum; the first one for this key.

        Args:
            key: such as the method that asks.
            work: takes the sum.
        """
        if key not in self._known:
            self._known[key] = work(self.value)
        return self._known[key]


class MergeMethod(Described, ABC):
    """Weights from weights.

    The constructor takes plain numbers and checks them; an argument of type :data:`PerExpert` has one for each expert.

    Attributes:
        contract: what it has to be given.
        name: in merge files, as mergekit calls it where mergekit has it.
        whole: needs its tensors in one piece.
        linear: the merge is a sum of the experts (of what they changed, with a base) by factors that do not depend on
            their numbers, so that changes of low rank stay of low rank.
        passes: surveys before the merge.
        scope: what a threshold, an angle or a norm is taken over. With `global`, a survey is summed over all tensors;
            with `tensor`, over the pieces of one; with `row`, nothing needs to be summed.
    """

    contract: ClassVar[Contract]
    name: ClassVar[str]
    whole: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    scope: Literal["tensor", "row", "global"] = "tensor"

    @property
    def passes(self) -> int:
        """How often every piece is surveyed before any is merged."""
        return 0

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
            InputError: too few or too many experts, or an argument with one number for each of another number of them.
        """
        least, most = self.contract.least, self.contract.most
        if number < least or (most is not None and number > most):
            wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
            raise InputError(f"`{self.name}` merges {wanted} models. Got {number}.")
        for argument, parameter in parameters(type(self)).items():
            if "PerExpert" in str(parameter.annotation):
                per_expert(argument, getattr(self, argument), number)
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


def expert_shares(weights: PerExpert, number: int, *, normalize: bool) -> list[float]:
    """One weight for each expert, divided by their sum where they are to be normalised.

    >>> expert_shares(3, 2, normalize=True)
    [0.5, 0.5]
    """
    values = per_expert("weights", weights, number)
    share = sum(values) if normalize else 1.0
    return [value / share for value in values]


def check_weights(weights: PerExpert, *, normalize: bool) -> None:
    """Refuse weights that are no finite numbers, or that cannot be divided by their sum.

    Raises:
        InputError: with the name, the rule and the value.

    >>> check_weights([1, -1], normalize=True)
    Traceback (most recent call last):
    accord.core.errors.InputError: `weights` sum to zero, and `normalize` divides by the sum. Set `normalize: false`.
    """
    values = [weights] if isinstance(weights, (int, float)) else list(weights)
    for value in values:
        check_finite("weights", value)
    if normalize and abs(sum(values)) < 1e-12:
        raise InputError("`weights` sum to zero, and `normalize` divides by the sum. Set `normalize: false`.")


def check_shares(name: str, value: PerExpert) -> None:
    """Refuse what is not a number in (0, 1], or one such number for each expert.

    Raises:
        InputError: with the name, the rule and the value.

    >>> check_shares("density", 0)
    Traceback (most recent call last):
    accord.core.errors.InputError: `density` must lie in (0, 1]. Got 0 instead.
    """
    for share in [value] if isinstance(value, (int, float)) else list(value):
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
            raise InputError(f"`{name}` must lie in (0, 1]. Got {share!r} instead.")
