"""What a merge did to the models: how long their changes are, how they point, and what is left of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from accord.core.errors import InputError

__all__ = ["Sums", "check_finite_tensors", "describe_measures", "is_finite", "measure_piece"]


@dataclass(frozen=True)
class Sums:
    """Sums over the elements of pieces; sums of several pieces are added.

    Args:
        products: (N, N) dot products of the experts' changes.
        merged: squared length of the merged change.
        rounding: squared length of what storing the result took away.
        unchanged: for each expert, elements that equal the base's.
        elements: how many.
    """

    products: Tensor
    merged: float
    rounding: float
    unchanged: Tensor
    elements: int

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.products + other.products,
            self.merged + other.merged,
            self.rounding + other.rounding,
            self.unchanged + other.unchanged,
            self.elements + other.elements,
        )


def is_finite(numbers: Tensor) -> bool:
    """Whether all numbers are finite; mostly told by their sum of squares, in one pass.

    >>> is_finite(torch.tensor([1.0, 3e30])), is_finite(torch.tensor([1.0, float("nan")]))
    (True, False)
    """
    flat = numbers.float().reshape(-1)
    return math.isfinite(float(torch.dot(flat, flat))) or bool(torch.isfinite(flat).all())


def check_finite_tensors(name: str, tensors: Sequence[Tensor], owners: Sequence[str]) -> None:
    """Refuse NaN and infinity.

    Args:
        name: of the tensor.
        tensors: pieces of it, float32.
        owners: the model of each.

    Raises:
        InputError: names the tensor, the model, and what was found.
    """
    for numbers, owner in zip(tensors, owners):
        if not is_finite(numbers):
            bad = int((~torch.isfinite(numbers)).sum())
            word = "NaN" if bool(torch.isnan(numbers).any()) else "infinite"
            raise InputError(
                f"`{name}` of {owner} holds {bad:,} numbers that are {word}. Save or train that model again."
            )


def measure_piece(deltas: Tensor, base: Tensor, merged: Tensor, stored: Tensor, *, rounded: bool) -> Sums:
    """The sums of one piece.

    Args:
        deltas: (N, ...) what each expert changed.
        base: the base's elements.
        merged: the result's, float32.
        stored: the result as it is stored.
        rounded: whether the models are stored in 16 bits, so that changes may be lost.
    """
    rows = deltas.reshape(len(deltas), -1)
    change = (merged - base).reshape(-1)
    gap = (stored.float() - merged).reshape(-1) if stored.dtype != torch.float32 else None
    return Sums(
        products=(rows @ rows.T).double(),
        merged=float(torch.dot(change, change)),
        rounding=0.0 if gap is None else float(torch.dot(gap, gap)),
        unchanged=(rows == 0).sum(dim=1) if rounded else torch.zeros(len(rows), dtype=torch.long),
        elements=change.numel(),
    )


def describe_measures(sums: Sums, names: Sequence[str], *, rounded: bool) -> dict[str, Any]:
    """The sums as a JSON value.

    Args:
        sums: over the whole model.
        names: of the experts.
        rounded: whether the models are stored in 16 bits.

    Returns:
        `lengths` of the experts' changes, their `cosines`, the `merged_length`, `shrinkage` (merged length over the
        experts' mean), `rounding` (share of the merged change that storing took away) and, of models in 16 bits, the
        share of numbers that training left `unchanged` or whose change was rounded away.
    """
    lengths = sums.products.diagonal().clamp_min(0).sqrt()
    outer = lengths[:, None] * lengths[None, :]
    cosines = torch.where(outer > 0, sums.products / outer.clamp_min(1e-300), torch.zeros_like(outer)).clamp(-1, 1)
    merged, mean = math.sqrt(max(sums.merged, 0.0)), float(lengths.mean())
    return {
        "models": list(names),
        "lengths": [round(float(length), 6) for length in lengths],
        "cosines": [[round(float(c), 4) for c in row] for row in cosines],
        "merged_length": round(merged, 6),
        "shrinkage": round(merged / mean, 4) if mean else None,
        "rounding": round(math.sqrt(sums.rounding) / merged, 4) if merged else None,
        **({"unchanged": [round(int(n) / sums.elements, 4) for n in sums.unchanged]} if rounded else {}),
    }
