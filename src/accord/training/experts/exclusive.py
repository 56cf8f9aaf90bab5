"""What an expert has beyond the shared model, as factors of low rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from accord.core.checks import check_at_least
from accord.maths.truncation import low_rank_factors

__all__ = ["Exclusive", "exclusive_part", "with_exclusive"]

ROUNDING = 1e-6
"""Relative differences up to this are those of a mean of equal numbers in float32, and count as none."""


@dataclass(frozen=True)
class Exclusive:
    """The exclusive part of one expert; tensors in which it equals the shared model are not listed.

    Args:
        factors: (outer, rank) and (rank, inner) of each tensor with two dimensions or more, further ones laid into the
            second.
        vectors: differences of tensors with one dimension, whole; empty where they were dropped.
        energy: share of the squared difference to the shared model that all of this keeps, in [0, 1].
    """

    factors: Mapping[str, tuple[Tensor, Tensor]]
    vectors: Mapping[str, Tensor]
    energy: float

    @property
    def numbers(self) -> int:
        """How many numbers it stores."""
        factors = sum(up.numel() + down.numel() for up, down in self.factors.values())
        return factors + sum(vector.numel() for vector in self.vectors.values())


def exclusive_part(
    shared: Mapping[str, Tensor], expert: Mapping[str, Tensor], *, rank: int = 16, vectors: bool = True
) -> Exclusive:
    r"""The exclusive part :math:`v_i = \mathrm{compress}(\theta_i - \theta_{\mathrm{shared}})`.

    Reference: Lu et al. (2024), Twin-Merging, arXiv:2406.15479 (modularisation, compression by SVD).

    Differs from the paper: tensors with one dimension (biases, normalisation) are kept whole or dropped; the paper's
    experiments also compress by magnitude.

    Args:
        shared: weights by name.
        expert: the same tensors.
        rank: of each factor pair; at most a tensor's smaller side.
        vectors: keep the differences of tensors with one dimension, which cost little; else they are dropped.

    Returns:
        The factors, with the share of the squared difference that they keep.

    >>> part = exclusive_part({"w": torch.zeros(2, 2)}, {"w": torch.diag(torch.tensor([2.0, 1.0]))}, rank=1)
    >>> round(part.energy, 2), part.numbers
    (0.8, 4)
    """
    check_at_least("rank", rank, 1)
    factors, whole = {}, {}
    kept = total = 0.0
    for name, before in shared.items():
        if not before.is_floating_point() or torch.allclose(before, expert[name].to(before), rtol=ROUNDING, atol=0.0):
            continue
        delta = expert[name].detach().float() - before.detach().float()
        energy = float(delta.double().square().sum())
        total += energy
        if delta.ndim >= 2:
            up, down, share = low_rank_factors(delta.flatten(1), rank)
            factors[name] = (up, down)
            kept += share * energy
        elif vectors:
            whole[name] = delta
            kept += energy
    return Exclusive(factors, whole, kept / total if total else 1.0)


def with_exclusive(shared: Mapping[str, Tensor], part: Exclusive) -> dict[str, Tensor]:
    """The weights of one expert again: shared plus exclusive, as far as the rank keeps it.

    >>> shared = {"w": torch.ones(2, 2)}
    >>> with_exclusive(shared, exclusive_part(shared, {"w": torch.eye(2)}, rank=2))["w"].round().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    found = dict(shared)
    for name, (up, down) in part.factors.items():
        before = shared[name]
        delta = (up @ down).view(before.shape)
        found[name] = (before.float() + delta.to(before.device)).to(before.dtype)
    for name, vector in part.vectors.items():
        before = shared[name]
        found[name] = (before.float() + vector.to(before.device)).to(before.dtype)
    return found
