"""CoSENT: of any two pairs, the one with the higher gold score must have the higher predicted score."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.ordering import wrong_orders

__all__ = ["CoSENT", "cosent"]


def cosent(
    pair_scores: Float[Tensor, " n"], labels: Float[Tensor, " n"], *, temperature: float = 0.05
) -> Float[Tensor, ""]:
    r"""Penalise every two pairs whose scores stand in the wrong order, smoothly and by how much.

    .. math:: \log\Bigl(1 + \sum_{y_i > y_j} e^{(s_j - s_i) / \tau}\Bigr)

    Also known as: cosine sentence loss, CoSENTLoss, pairwise ranking by log-sum-exp.

    Reference: Su (2022), "CoSENT: a more effective sentence embedding scheme than Sentence-BERT" (kexue.fm, 8847), the
    final loss; Sun et al. (2020), arXiv:2002.10857 (circle loss), whose form it takes.

    Differs from the paper: the factor 20 is written as a temperature of 0.05; any score will do, not only the cosine.

    Args:
        pair_scores: one score a pair.
        labels: the gold scores; only their order counts.
        temperature: > 0, in units of the score.

    Returns:
        Nats, at least 0; near 0 when every order is right by a margin.

    Raises:
        InputError: all gold scores are equal, so that no order is wrong or right.

    >>> cosent(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    return wrong_orders(pair_scores, labels, temperature=temperature)


class CoSENT(Described, nn.Module):
    """:func:`cosent` as a module.

    Args:
        temperature: > 0.
    """

    def __init__(self, *, temperature: float = 0.05) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature

    def forward(self, pair_scores: Float[Tensor, " n"], labels: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return cosent(pair_scores, labels, temperature=self.temperature)
