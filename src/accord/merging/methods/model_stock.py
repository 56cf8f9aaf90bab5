"""The point between the base and the mean of the experts that their angles suggest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from accord.maths.sphere import mean_cosine
from accord.merging.base import Contract, MergeMethod, Piece, Survey
from accord.merging.spans import in_span, survey_products

__all__ = ["ModelStock", "stock_ratio"]


def stock_ratio(cosine: Tensor, number: int) -> Tensor:
    r"""How far to go from the base to the mean: :math:`t = N c / (1 + (N - 1) c)`, from 0 at c = 0 to 1 at c = 1.

    Args:
        cosine: c, mean cosine between the changes; below 0 it counts as 0.
        number: N.

    >>> stock_ratio(torch.tensor([-0.05, 0.0, 0.3, 1.0]), 4)
    tensor([0.0000, 0.0000, 0.6316, 1.0000])
    """
    positive = cosine.clamp(0.0, 1.0)
    return number * positive / (1 + (number - 1) * positive)


class ModelStock(MergeMethod):
    r"""Go from the base towards the mean of the experts, the further the more their changes agree.

    .. math:: \theta = \theta_0 + t \cdot \frac{1}{N} \sum_i \tau_i, \qquad t = \frac{N c}{1 + (N - 1) c}, \qquad
        c = \frac{2}{N (N - 1)} \sum_{i < j} \cos(\tau_i, \tau_j)

    It takes the experts for repeats of one training that scatter about a centre. Experts of different tasks are nearly
    orthogonal, and then it stays near the base: 4 experts at c = 0.015 go 6 % of the way.

    Also known as: Model Stock, geometric averaging towards the anchor.

    Reference: Jang et al. (2024), Model Stock: All We Need Is Just a Few Fine-Tuned Models, arXiv:2403.19522, eq. 5 and
    its appendix for N models.

    Differs from the paper: t is kept within [0, 1]; with a negative c the formula would walk away from the experts, and
    mergekit does.

    Args:
        filter_wise: a ratio for each row (what belongs to one output of a layer) instead of for each tensor.

    >>> from accord.merging import merge_state_dicts
    >>> one, two = {"w": torch.tensor([2.0, 0.0])}, {"w": torch.tensor([1.0, 1.7320508])}
    >>> merge_state_dicts(ModelStock(), [one, two], base={"w": torch.zeros(2)})["w"]
    tensor([1.0000, 0.5774])
    """

    contract: ClassVar = Contract(base="required", least=2)
    name: ClassVar = "model_stock"

    def __init__(self, *, filter_wise: bool = False) -> None:
        self.filter_wise = filter_wise
        self.scope: Literal["tensor", "row", "global"] = "row" if filter_wise else "tensor"

    @property
    def passes(self) -> int:
        """One, for the angles; none by rows."""
        return 0 if self.filter_wise else 1

    def survey(self, piece: Piece, before: Sequence[Any]) -> Survey:
        """Inner products of the changes."""
        del before
        return survey_products(list(piece.changes))

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The rows between the base and the mean."""
        merged = in_span(self, piece, list(piece.changes), surveys, self._weigh)
        return merged.add_(piece.origin)

    def _weigh(self, gram: Tensor) -> Tensor:
        number = gram.shape[-1]
        share = stock_ratio(mean_cosine(gram), number) / number
        return torch.stack([share] * number, dim=-1)
