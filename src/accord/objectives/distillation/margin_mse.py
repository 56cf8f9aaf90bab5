"""Margin-MSE: the distance from a positive to each negative must be the teacher's."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.score_lists import counted_places

__all__ = ["MarginMSE", "margin_mse"]


def margin_mse(
    list_scores: Float[Tensor, "queries list"],
    teacher_list_scores: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Mean squared difference between the margins of the scores and of the teacher's.

    .. math:: \operatorname{mean}_{i,\,k} \bigl((s_{i0} - s_{ik}) / \tau - (t_{i0} - t_{ik})\bigr)^2

    over the negatives k of query i.

    Also known as: MarginMSELoss.

    Reference: Hofstätter et al. (2020), arXiv:2010.02666, eq. 8.

    Differs from the paper: several negatives a query; a temperature brings scores of a narrow range, such as cosines,
    to the teacher's scale.

    Args:
        list_scores: column 0 is the positive, the others are negatives of the same query.
        teacher_list_scores: the same pairs, scored by the teacher.
        ignore: True where there is no document, or one that must not count.
        temperature: > 0; units of the score that one unit of the teacher's is worth.

    Returns:
        At least 0.

    Raises:
        InputError: no query has a negative.

    >>> margin_mse(torch.tensor([[3.0, 1.0]]), torch.tensor([[9.0, 8.0]]))
    tensor(1.)
    """
    wrong = counted_places(list_scores, ignore)[:, 1:]
    margins = (list_scores[:, :1] - list_scores[:, 1:]) / temperature
    taught = (teacher_list_scores[:, :1] - teacher_list_scores[:, 1:]).to(margins)
    return (margins - taught)[wrong].square().mean()


class MarginMSE(Described, nn.Module):
    """:func:`margin_mse` as a module.

    Args:
        temperature: > 0; units of the score that one unit of the teacher's is worth.
    """

    def __init__(self, *, temperature: float = 1.0) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature

    def forward(
        self,
        list_scores: Float[Tensor, "queries list"],
        teacher_list_scores: Float[Tensor, "queries list"],
        ignore: Bool[Tensor, "queries list"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return margin_mse(list_scores, teacher_list_scores, ignore=ignore, temperature=self.temperature)
