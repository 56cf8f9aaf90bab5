"""The base plus a sum of task vectors, with whatever coefficients were found: the merge that learned methods end in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.maths.element_random import element_bits
from accord.merging.base import Contract, MergeMethod, Piece

__all__ = ["Coefficients", "element_parts"]


def element_parts(first: int, count: int, parts: int, *, seed: int = 0) -> Tensor:
    """Which of several parts each element of a tensor belongs to, at random; a function of its number alone.

    Args:
        first: number of the first element.
        count: how many.
        parts: how many parts there are.
        seed: another one, another division.

    Returns:
        (count,) uint8 below `parts`.

    Raises:
        InputError: fewer than 1 part or more than 255.

    >>> whole = element_parts(0, 1000, 3)
    >>> bool((element_parts(400, 600, 3) == whole[400:]).all()), whole.bincount().tolist()
    (True, [314, 331, 355])
    """
    check_at_least("partitions", parts, 1)
    if parts > 255:
        raise InputError(f"`partitions` must be at most 255. Got {parts} instead.")
    bits = torch.from_numpy(element_bits([seed, "parts"], first, count).astype("int64"))
    return (bits % parts).to(torch.uint8)


class Coefficients(MergeMethod):
    r"""The base plus task vectors, each times a coefficient of its own in every block.

    .. math:: \theta_b = \theta_{0,b} + \sum_i c_{i,b} \, \tau_{i,b}

    Also known as: task arithmetic with a scaling for each task vector and parameter block.

    Reference: Ilharco et al. (2023), Editing models with task arithmetic, arXiv:2212.04089, section 2; Zhang et al.
    (2024), arXiv:2407.02880, eq. 3 (blocks).

    Args:
        weights: c: one number an expert for all tensors, or for each tensor by name; there, a number an expert, or for
            each expert one a part.
        partitions: parts into which the elements of a tensor are divided at random; above 1, `weights` has a number for
            each part.
        seed: of the division.

    Raises:
        InputError: weights of several parts for all tensors together, or too many parts.

    >>> from accord.merging import merge_state_dicts
    >>> half = Coefficients({"w": [1.0, 0.5]})
    >>> merge_state_dicts(half, [{"w": torch.ones(1)}, {"w": -torch.ones(1)}], {"w": torch.zeros(1)})["w"]
    tensor([0.5000])
    """

    contract: ClassVar = Contract(base="required")
    name: ClassVar = "coefficients"

    def __init__(
        self,
        weights: Sequence[float] | Mapping[str, Sequence[float] | Sequence[Sequence[float]]],
        *,
        partitions: int = 1,
        seed: int = 0,
    ) -> None:
        check_at_least("partitions", partitions, 1)
        if partitions > 1 and not isinstance(weights, Mapping):
            raise InputError("`weights` must be given by tensor where there are several `partitions`.")
        self.weights = weights
        self.partitions = partitions
        self.seed = seed

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows."""
        del surveys
        weights = self._of(piece.name)
        if len(weights) != len(piece.experts):
            raise InputError(
                f"`weights` of `{piece.name}` must be one for each of {len(piece.experts)} models. Got {len(weights)}."
            )
        merged = base = piece.origin
        if self.partitions == 1:
            for weight, delta in zip(weights, piece.changes):
                merged = torch.add(merged, delta, alpha=weight)
            return merged
        parts = element_parts(piece.first, base.numel(), self.partitions, seed=self.seed).long().view(base.shape)
        for row, delta in zip(torch.tensor(weights).to(base), piece.changes):
            merged = torch.addcmul(merged, row[parts], delta)
        return merged

    def _of(self, name: str) -> Sequence[Any]:
        if not isinstance(self.weights, Mapping):
            return self.weights
        if name not in self.weights:
            raise InputError(f"`weights` has no number for the tensor `{name}`.")
        return self.weights[name]
