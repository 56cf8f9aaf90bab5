"""Select where experts differ, calculate their weights, erase the minority."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.checks import check_finite
from accord.maths.consensus import disjoint_mean
from accord.maths.selection import count_magnitudes, count_of_share, kth_magnitudes
from accord.maths.sparsify import spread
from accord.maths.sphere import gramian
from accord.merging.base import Contract, MergeMethod, Piece, Survey, check_shares

__all__ = ["SCE"]


class SCE(MergeMethod):
    r"""Select the places where experts differ most, calculate weights from the energies there, erase the minority.

    .. math:: \theta = \theta_0 + \frac{\sum_{i \in A} w_i\, s \odot \tau_i}{\sum_{i \in A} w_i}, \qquad
        w_i = \frac{|s \odot \tau_i|^2}{\sum_k |s \odot \tau_k|^2},

    where s selects the places of largest variance over the experts, and A holds the experts whose change has the sign
    of the plain sum of changes.

    Also known as: select, calculate, erase; FuseChat's merging.

    Reference: Wan et al. (2024), FuseChat: Knowledge Fusion of Chat Models, arXiv:2408.07990, section 3.3.

    Differs from the paper: where votes are equal nothing is added. Differs from mergekit, which selects every place
    unless told otherwise, and weighs experts equally when their changes are small in absolute terms (a standard
    deviation of about 0.001), which those of fine-tuning are; here only changes that are all zero weigh equally.

    Args:
        select_topk: share of each tensor's places that is kept.

    Raises:
        InputError: a share outside (0, 1].

    >>> from accord.merging import merge_state_dicts
    >>> experts = [{"w": torch.tensor([1.0, 3.0])}, {"w": torch.tensor([1.0, -1.0])}]
    >>> merge_state_dicts(SCE(select_topk=0.5), experts, base={"w": torch.zeros(2)})["w"].round(decimals=4)
    tensor([0., 3.])
    """

    contract: ClassVar = Contract(base="required", least=2)
    name: ClassVar = "sce"

    def __init__(self, *, select_topk: float = 0.1) -> None:
        check_finite("select_topk", select_topk)
        check_shares("select_topk", select_topk)
        self.select_topk = select_topk

    @property
    def passes(self) -> int:
        """Two for the places, one for the weights."""
        return 3 if self.select_topk < 1 else 1

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Counts of variances, then sums of squares."""
        if len(before) == self.passes - 1:
            return Survey(torch.stack([gramian([change])[0, 0] for change in self._selected(piece, before)]))
        counts = [survey.value for survey in before]
        return Survey(count_magnitudes([spread(list(piece.changes))], counts, self._ranks(before)))

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows of the base with the winning changes added."""
        weights = surveys[-1].once(self, _shares)
        return torch.add(piece.origin, disjoint_mean(self._selected(piece, surveys), weights, equal_votes=True))

    def _selected(self, piece: Piece, surveys: Sequence[Any]) -> Iterator[Tensor]:
        if self.select_topk == 1:
            return piece.changes
        counts = [survey.value for survey in surveys[:2]]
        least = surveys[1].once(self, lambda _: kth_magnitudes(counts, self._ranks(surveys))[0][0])
        places = (spread(list(piece.changes)) >= least).float()
        return (change * places for change in piece.changes)

    def _ranks(self, before: Sequence[Any]) -> list[list[int]]:
        number = before[0].value.total(0) if before else 1
        return [[count_of_share(self.select_topk, number)]]


def _shares(squares: Tensor) -> list[Any]:
    total = squares.sum()
    shares = squares / total if total > 0 else torch.full_like(squares, 1.0 / len(squares))
    return list(shares) if shares.requires_grad else shares.tolist()
