"""ListNet: the scores of a list as a distribution, beside the distribution that its grades make."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.score_lists import counted_places, list_log_softmax, mean_over_lists

__all__ = ["ListNet", "list_net"]


def list_net(
    list_scores: Float[Tensor, "queries list"],
    labels: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Cross-entropy of the chance that each document stands first, as the grades and as the scores have it.

    .. math:: -\operatorname{mean}_i \sum_k \mathrm{softmax}_k(y_{ik}) \log \mathrm{softmax}_k(s_{ik} / \tau)

    Also known as: ListNetLoss, top-one ListNet, softmax cross-entropy over lists.

    Reference: Cao et al. (2007), "Learning to Rank: From Pairwise Approach to Listwise Approach" (ICML), with the
    top-one probabilities.

    Differs from the paper: a temperature for scores of a narrow range.

    Args:
        list_scores: each query with its own documents.
        labels: grades, larger is better; also a teacher's scores.
        ignore: True where there is no document, or one that must not count.
        temperature: > 0, in units of the score; about 0.05 for cosines.

    Returns:
        Nats; at least the entropy of the grades.

    Raises:
        InputError: no list with two documents.

    >>> list_net(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    counted = counted_places(list_scores, ignore)
    gold = list_log_softmax(labels.to(list_scores), counted).exp().masked_fill(~counted, 0.0)
    found = list_log_softmax(list_scores / temperature, counted)
    return mean_over_lists(-(gold * found).sum(1), counted)


class ListNet(Described, nn.Module):
    """:func:`list_net` as a module.

    Args:
        temperature: > 0, in units of the score; about 0.05 for cosines.
    """

    def __init__(self, *, temperature: float = 1.0) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature

    def forward(
        self,
        list_scores: Float[Tensor, "queries list"],
        labels: Float[Tensor, "queries list"],
        ignore: Bool[Tensor, "queries list"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return list_net(list_scores, labels, ignore=ignore, temperature=self.temperature)
