"""Score distillation: the distribution that a query's scores make must be the teacher's."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.score_lists import counted_places, list_log_softmax, mean_over_lists

__all__ = ["BatchKL", "ListKL", "score_kl"]


def score_kl(
    scores: Float[Tensor, "queries docs"],
    teacher_scores: Float[Tensor, "queries docs"],
    *,
    ignore: Bool[Tensor, "queries docs"] | None = None,
    temperature: float = 1.0,
    teacher_temperature: float | None = None,
) -> Float[Tensor, ""]:
    r"""Kullback-Leibler divergence from the scores' distribution to the teacher's.

    .. math:: \tau^2 \operatorname{mean}_i \sum_k p_{ik} \log \frac{p_{ik}}{q_{ik}}, \qquad
              p_i = \mathrm{softmax}(t_i / \tau_t),\quad q_i = \mathrm{softmax}(s_i / \tau)

    The factor keeps the size of the gradient when the temperature changes. The cross-entropy with the teacher's
    distribution (ListNet towards a teacher) has the same gradient and differs by a constant only.

    Also known as: DistillKLDivLoss, knowledge distillation of scores, listwise distillation.

    Reference: Hinton et al. (2015), arXiv:1503.02531, section 2; for ranked lists as in Lin et al. (2020),
    arXiv:2010.11386, section 3.

    Differs from the paper: scores of documents take the place of logits of classes; the teacher may have a temperature
    of its own.

    Args:
        scores: each query with its own list, or with all documents of the batch.
        teacher_scores: the same pairs, scored by the teacher.
        ignore: True where there is no document, or one that must not count.
        temperature: > 0, in units of the score; about 0.05 for cosines.
        teacher_temperature: > 0, in units of the teacher's score; as `temperature` when not given.

    Returns:
        Nats times the squared temperature, at least 0; 0 where the two distributions are one.

    Raises:
        InputError: no list with two documents.

    >>> score_kl(torch.zeros(1, 2), torch.tensor([[0.0, 100.0]]))
    tensor(0.6931)
    """
    counted = counted_places(scores, ignore)
    expected = list_log_softmax(teacher_scores.to(scores) / (teacher_temperature or temperature), counted)
    found = list_log_softmax(scores / temperature, counted)
    terms = (expected.exp() * (expected - found)).masked_fill(~counted, 0.0)
    return temperature**2 * mean_over_lists(terms.sum(1), counted)


class ListKL(Described, nn.Module):
    """:func:`score_kl` of each query's own list: its positive and its negatives.

    Args:
        temperature: > 0, in units of the score; about 0.05 for cosines.
        teacher_temperature: > 0, in units of the teacher's score; as `temperature` when not given.
    """

    def __init__(self, *, temperature: float = 1.0, teacher_temperature: float | None = None) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        if teacher_temperature is not None:
            check_positive("teacher_temperature", teacher_temperature)
        self.temperature = temperature
        self.teacher_temperature = teacher_temperature

    def forward(
        self,
        list_scores: Float[Tensor, "queries list"],
        teacher_list_scores: Float[Tensor, "queries list"],
        ignore: Bool[Tensor, "queries list"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return score_kl(
            list_scores,
            teacher_list_scores,
            ignore=ignore,
            temperature=self.temperature,
            teacher_temperature=self.teacher_temperature,
        )


class BatchKL(Described, nn.Module):
    """:func:`score_kl` of each query with all documents of the batch; it takes a teacher, and no negatives.

    Args:
        temperature: > 0, in units of the score.
        teacher_temperature: > 0, in units of the teacher's score; as `temperature` when not given.
    """

    def __init__(self, *, temperature: float = 0.05, teacher_temperature: float | None = None) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        if teacher_temperature is not None:
            check_positive("teacher_temperature", teacher_temperature)
        self.temperature = temperature
        self.teacher_temperature = teacher_temperature

    def forward(
        self, scores: Float[Tensor, "queries docs"], teacher_scores: Float[Tensor, "queries docs"]
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return score_kl(
            scores, teacher_scores, temperature=self.temperature, teacher_temperature=self.teacher_temperature
        )
