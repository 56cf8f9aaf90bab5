"""Order distillation: make the order in which a teacher puts a list the likeliest one."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_positive
from accord.core.spec import Described
from accord.maths.score_lists import counted_places, mean_over_lists, order_log_likelihood, pairs_in_order

__all__ = ["TeacherOrder", "teacher_order"]


def teacher_order(
    list_scores: Float[Tensor, "queries list"],
    teacher_list_scores: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    top: int | None = None,
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Negative log-likelihood of drawing the documents that a teacher puts on top, in the teacher's order.

    .. math:: -\operatorname{mean}_i \sum_{k:\, r_{ik} \le K}
              \log \frac{e^{s_{ik}/\tau}}{e^{s_{ik}/\tau} + \sum_{l: t_{il} < t_{ik}} e^{s_{il}/\tau}}

    where r is the rank by the teacher's score t. Nothing but the order of t is read, so that the scale of the teacher
    is of no account: a large language model that only sorts can teach, and so can a cross-encoder whose scores crowd at
    0 and 1. Where the sizes mean something, distil them: `ListKL`, `MarginMSE`.

    Also known as: listwise distillation, RankDistil, ranking distillation, ListMLE towards a teacher.

    Reference: Reddi et al. (2021), "RankDistil: Knowledge Distillation for Ranking" (AISTATS); the top of the
    Plackett-Luce order as in Xia et al. (2009), "Statistical Consistency of Top-k Ranking" (NeurIPS).

    Differs from the paper: of its surrogate losses the Plackett-Luce one, for the documents of the list rather than of
    a corpus; documents to which the teacher gives one score do not compete.

    Args:
        list_scores: each query with its own documents.
        teacher_list_scores: the same pairs, scored by the teacher.
        ignore: True where there is no document, or one that must not count.
        top: how many places of the teacher's order count, at least 1; None for all.
        temperature: > 0, in units of the score; about 0.05 for cosines.

    Returns:
        Nats, at least 0.

    Raises:
        InputError: no list with two documents that the teacher tells apart.

    >>> teacher_order(torch.zeros(1, 3), torch.tensor([[2.0, 9.0, 5.0]]), top=1)
    tensor(1.0986)
    """
    counted = counted_places(list_scores, ignore)
    pairs_in_order(teacher_list_scores, counted)
    surprise = -order_log_likelihood(list_scores / temperature, teacher_list_scores, counted)
    if top is not None:
        higher = teacher_list_scores[:, None, :] > teacher_list_scores[:, :, None]
        surprise = surprise.masked_fill((higher & counted[:, None, :]).sum(2) >= top, 0.0)
    return mean_over_lists(surprise.sum(1), counted)


class TeacherOrder(Described, nn.Module):
    """:func:`teacher_order` as a module.

    Args:
        top: how many places of the teacher's order count, at least 1; None for all.
        temperature: > 0, in units of the score; about 0.05 for cosines.
    """

    def __init__(self, *, top: int | None = None, temperature: float = 1.0) -> None:
        super().__init__()
        if top is not None:
            check_at_least("top", top, 1)
        check_positive("temperature", temperature)
        self.top = top
        self.temperature = temperature

    def forward(
        self,
        list_scores: Float[Tensor, "queries list"],
        teacher_list_scores: Float[Tensor, "queries list"],
        ignore: Bool[Tensor, "queries list"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return teacher_order(
            list_scores, teacher_list_scores, ignore=ignore, top=self.top, temperature=self.temperature
        )
