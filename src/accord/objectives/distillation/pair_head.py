"""Pair head: the teacher's score of a pair from the two vectors, by a small network that learns to compare them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["PairHead", "pair_head"]


def pair_head(
    embeddings: Float[Tensor, "2 n dim"],
    inner: Float[Tensor, "hidden four_dim"],
    inner_bias: Float[Tensor, " hidden"],
    outer: Float[Tensor, " hidden"],
    outer_bias: Float[Tensor, ""],
) -> Float[Tensor, " n"]:
    r"""Scores of pairs by a network of one hidden layer over both vectors, their distance and their product.

    .. math:: s_i = w^\top \mathrm{relu}\big(W [u_i, v_i, |u_i - v_i|, u_i \odot v_i] + b\big) + c

    Also known as: DSE, distilled sentence embedding, pairwise head of a siamese network.

    Reference: Barkan et al. (2020), Scalable Attentive Sentence-Pair Modeling via Distilled Sentence Embedding,
    arXiv:1908.05161, section 3.

    Differs from the paper: one score a pair, not one a class; the encoder's own pooling and number of layers, not the
    mean of the last four.

    Args:
        embeddings: the two sides of the pairs.
        inner: W.
        inner_bias: b.
        outer: w.
        outer_bias: c.

    Returns:
        One score a pair, of any size.

    >>> sides = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]])
    >>> product = torch.tensor([[0, 0, 0, 0, 0, 0, 1.0, 1.0]])
    >>> pair_head(sides, product, torch.zeros(1), torch.ones(1), torch.tensor(0.5))
    tensor([1.5000])
    """
    left, right = embeddings
    compared = torch.cat([left, right, (left - right).abs(), left * right], dim=-1)
    return F.linear(F.relu(F.linear(compared, inner, inner_bias)), outer[None], outer_bias[None])[:, 0]


class PairHead(Described, nn.Module):
    r"""Two towers that learn the scores of a teacher which reads both texts together, through :func:`pair_head`.

    .. math:: (1 - g)\,\mathrm{MSE}(s, t) + g\,\mathrm{MSE}(s, y) + c\,\mathrm{MSE}(\cos(u, v), t)

    The head is trained beside the encoder. Its scores need it afterwards, too
    (:class:`~accord.compression.distil.towers.Towers`); cosines need the encoder alone, so that it can be searched with
    an index: then leave the head out, or give `cosine` a weight. Without a head and gold scores the loss is that of
    :class:`~accord.objectives.PairMSE` for an encoder that is compared by cosine.

    Args:
        dim: dimensions of a vector; None for no head, where the score is the cosine.
        hidden: units of the head.
        gold: share g of the gold scores y beside the teacher's, in [0, 1); needs rows with scores on the teacher's
            scale.
        cosine: weight c of the cosine's own distance from the teacher's score, which should lie in [-1, 1] for it.
        lr_factor: learning rate of the head, relative to the encoder's.

    Raises:
        InputError: numbers out of their ranges, or a weight of the cosine where it is the score already.
    """

    def __init__(
        self,
        *,
        dim: int | None = None,
        hidden: int = 512,
        gold: float = 0.0,
        cosine: float = 0.0,
        lr_factor: float = 10.0,
    ) -> None:
        super().__init__()
        check_at_least("dim", 1 if dim is None else dim, 1)
        check_at_least("hidden", hidden, 1)
        check_fraction("gold", gold)
        check_at_least("cosine", cosine, 0)
        check_at_least("lr_factor", lr_factor, 0)
        if gold == 1:
            raise InputError("`gold` must lie in [0, 1): at 1 nothing is learned from the teacher. Got 1 instead.")
        if cosine and dim is None:
            raise InputError("`cosine` stands beside a head: without `dim` the score is the cosine already.")
        self.dim = dim
        self.hidden = hidden
        self.gold = gold
        self.cosine = cosine
        self.lr_factor = lr_factor
        self.head = nn.ParameterDict({} if dim is None else _start(dim, hidden))

    @property
    def needs(self) -> tuple[str, ...]:
        """Gold scores, where they count."""
        return ("labels",) if self.gold else ()

    def scores(self, embeddings: Float[Tensor, "2 n dim"]) -> Float[Tensor, " n"]:
        """Scores of pairs from the vectors of their two sides.

        Raises:
            InputError: vectors of other dimensions than the head's.
        """
        if self.dim is None:
            return F.cosine_similarity(embeddings[0], embeddings[1], dim=-1)
        if embeddings.shape[-1] != self.dim:
            raise InputError(f"`dim` is {self.dim}, and the model gives vectors of {embeddings.shape[-1]} dimensions.")
        return pair_head(embeddings, **{name: weight.to(embeddings) for name, weight in self.head.items()})

    def forward(
        self,
        embeddings: Float[Tensor, "2 n dim"],
        teacher_pair_scores: Float[Tensor, " n"],
        labels: Float[Tensor, " n"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        found, taught = self.scores(embeddings), teacher_pair_scores.to(embeddings)
        total = (1 - self.gold) * F.mse_loss(found, taught)
        if self.gold and labels is not None:
            total = total + self.gold * F.mse_loss(found, labels.to(found))
        if self.cosine:
            own = F.cosine_similarity(embeddings[0], embeddings[1], dim=-1)
            total = total + self.cosine * F.mse_loss(own, taught)
        return total


def _start(dim: int, hidden: int) -> dict[str, nn.Parameter]:
    """Weights of the head, the same each time."""
    generator = torch.Generator().manual_seed(0)
    inner = nn.init.xavier_uniform_(torch.empty(hidden, 4 * dim), generator=generator)
    outer = nn.init.xavier_uniform_(torch.empty(1, hidden), generator=generator)[0]
    weights = {"inner": inner, "inner_bias": torch.zeros(hidden), "outer": outer, "outer_bias": torch.zeros(())}
    return {name: nn.Parameter(weight) for name, weight in weights.items()}
