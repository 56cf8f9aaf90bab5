"""InfoNCE: a query must pick its own document among all documents of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice, check_finite, check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["InfoNCE", "info_nce"]

MASKS = ("text", "label")
STRATEGIES = ("absolute", "relative")


def info_nce(
    scores: Float[Tensor, "queries docs"],
    *,
    ignore: Bool[Tensor, "queries docs"] | None = None,
    teacher_scores: Float[Tensor, "queries docs"] | None = None,
    temperature: float = 0.05,
    bidirectional: bool = False,
    guide_margin: float = 0.0,
    guide_strategy: str = "absolute",
    hardness: float = 0.0,
) -> Float[Tensor, ""]:
    r"""Cross-entropy of each query's own document against all documents of the batch.

    .. math:: \frac1n \sum_i -\log \frac{e^{s_{ii}/\tau}}{\sum_j e^{s_{ij}/\tau}}

    with the sum over j that `ignore` leaves; `bidirectional` averages it with the same loss of the documents that are
    positives, each picking its query.

    With `teacher_scores` t, a guide, document j is no negative of query i either where
    :math:`t_{ij} > t_{ii} - m` ("absolute"), or :math:`t_{ij} > t_{ii} - m\,|t_{ii}|` ("relative"): the guide thinks it
    as good as the positive. `hardness` :math:`\alpha` adds :math:`\alpha\,s_{ij}`, as a constant, to the exponent of
    every negative of a query, so that near ones weigh more.

    Also known as: NT-Xent without self-pairs, in-batch negatives, MultipleNegativesRankingLoss, contrastive loss; with
    a guide GISTEmbed, GISTEmbedLoss; with hardness LLaVE, hardness-weighted contrastive learning.

    Reference: van den Oord et al. (2018), arXiv:1807.03748, eq. 4; both directions as in Radford et al. (2021),
    arXiv:2103.00020, fig. 3; the guide as in Solatorio (2024), arXiv:2402.16829; hardness as in Lan et al.
    (2025), arXiv:2503.04812, eq. 5.

    Differs from the paper: any score with a temperature instead of a bilinear critic; false negatives can be masked.
    The guide masks documents only: queries are not contrasted with queries, nor documents with documents.

    Args:
        scores: column i is the positive of query i; columns past the number of queries are further negatives.
        ignore: True where a document must not count as a negative; the diagonal is never ignored.
        teacher_scores: the same pairs, scored by a guide.
        temperature: > 0, in units of the score.
        bidirectional: also let documents pick queries; hardness does not act there.
        guide_margin: how far below the positive a document must stay, for the guide, to count as a negative.
        guide_strategy: "absolute", or "relative" to the size of the positive's score.
        hardness: at least 0.

    Returns:
        Nats, at least 0; log(docs) when all scores are equal and nothing is ignored.

    Raises:
        InputError: fewer documents than queries, or no negative at all in the batch.

    >>> info_nce(torch.tensor([[2.0, 0.0], [0.0, 2.0]]), temperature=2.0)
    tensor(0.3133)
    """
    queries, docs = scores.shape
    if docs < queries:
        raise InputError(f"`scores` needs a positive for each query: ({queries}, {docs}) has fewer columns than rows.")
    own = torch.eye(queries, docs, dtype=torch.bool, device=scores.device)
    if teacher_scores is not None:
        right = teacher_scores.diagonal()[:, None]
        margin = guide_margin * right.abs() if guide_strategy == "relative" else guide_margin
        close = teacher_scores > right - margin
        ignore = close if ignore is None else close | ignore
    masked = own if ignore is None else own | ignore
    if bool(masked.all()):
        raise InputError(
            f"A batch of {queries} without a negative has nothing to learn from: every other document is masked or "
            "missing. Use a larger batch, data with more distinct texts, or a smaller `guide_margin` if you set one."
        )
    logits = scores / temperature
    if ignore is not None:
        logits = logits.masked_fill(ignore & ~own, -torch.inf)
    target = torch.arange(queries, device=scores.device)
    harder = (hardness * scores.detach()).masked_fill(own, 0.0) if hardness else 0.0
    loss = F.cross_entropy(logits + harder, target)
    if bidirectional:
        loss = (loss + F.cross_entropy(logits[:, :queries].T, target)) / 2
    return loss


class InfoNCE(Described, nn.Module):
    """:func:`info_nce` as a module.

    Args:
        temperature: > 0.
        bidirectional: also let documents pick queries.
        mask: what marks a false negative in the batch: "text" (the same text as the query, as its positive, or as
            another query whose positive it is) and "label".
        guide_margin: mask what a teacher scores higher than the positive minus this; None asks no teacher.
        guide_strategy: "absolute", or "relative" to the size of the positive's score.
        hardness: how much more near negatives weigh, at least 0.
    """

    def __init__(
        self,
        *,
        temperature: float = 0.05,
        bidirectional: bool = False,
        mask: Sequence[str] = ("text",),
        guide_margin: float | None = None,
        guide_strategy: str = "absolute",
        hardness: float = 0.0,
    ) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        check_choice("guide_strategy", guide_strategy, STRATEGIES)
        check_at_least("hardness", hardness, 0)
        if guide_margin is not None:
            check_finite("guide_margin", guide_margin)
        for kind in mask:
            check_choice("mask", kind, MASKS)
        self.temperature = temperature
        self.bidirectional = bidirectional
        self.mask = tuple(mask)
        self.guide_margin = guide_margin
        self.guide_strategy = guide_strategy
        self.hardness = hardness

    @property
    def needs(self) -> tuple[str, ...]:
        """A guide's scores, where there is a margin for them."""
        return () if self.guide_margin is None else ("teacher_scores",)

    def forward(
        self,
        scores: Float[Tensor, "queries docs"],
        ignore: Bool[Tensor, "queries docs"] | None = None,
        teacher_scores: Float[Tensor, "queries docs"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return info_nce(
            scores,
            ignore=ignore,
            teacher_scores=None if self.guide_margin is None else teacher_scores,
            temperature=self.temperature,
            bidirectional=self.bidirectional,
            guide_margin=self.guide_margin or 0.0,
            guide_strategy=self.guide_strategy,
            hardness=self.hardness,
        )
