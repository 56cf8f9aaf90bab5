"""InfoNCE: a query must pick its own document among all documents of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_choice, check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["InfoNCE", "info_nce"]

MASKS = ("text", "label")


def info_nce(
    scores: Float[Tensor, "queries docs"],
    *,
    ignore: Bool[Tensor, "queries docs"] | None = None,
    temperature: float = 0.05,
    bidirectional: bool = False,
) -> Float[Tensor, ""]:
    r"""Cross-entropy of each query's own document against all documents of the batch.

    .. math:: \frac1n \sum_i -\log \frac{e^{s_{ii}/\tau}}{\sum_j e^{s_{ij}/\tau}}

    with the sum over j that `ignore` leaves; `bidirectional` averages it with the same loss of the documents that are
    positives, each picking its query.

    Also known as: NT-Xent without self-pairs, in-batch negatives, MultipleNegativesRankingLoss, contrastive loss.

    Reference: van den Oord et al. (2018), arXiv:1807.03748, eq. 4; both directions as in Radford et al. (2021),
    arXiv:2103.00020, fig. 3.

    Differs from the paper: any score with a temperature instead of a bilinear critic; false negatives can be masked.

    Args:
        scores: column i is the positive of query i; columns past the number of queries are further negatives.
        ignore: True where a document must not count as a negative; the diagonal is never ignored.
        temperature: > 0, in units of the score.
        bidirectional: also let documents pick queries.

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
    masked = own if ignore is None else own | ignore
    if bool(masked.all()):
        raise InputError(
            f"A batch of {queries} without a negative has nothing to learn from: every other document is masked or "
            "missing. Use a larger batch, or data with more distinct texts."
        )
    logits = scores / temperature
    if ignore is not None:
        logits = logits.masked_fill(ignore & ~own, -torch.inf)
    target = torch.arange(queries, device=scores.device)
    loss = F.cross_entropy(logits, target)
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
    """

    def __init__(
        self, *, temperature: float = 0.05, bidirectional: bool = False, mask: Sequence[str] = ("text",)
    ) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        for kind in mask:
            check_choice("mask", kind, MASKS)
        self.temperature = temperature
        self.bidirectional = bidirectional
        self.mask = tuple(mask)

    def forward(
        self, scores: Float[Tensor, "queries docs"], ignore: Bool[Tensor, "queries docs"] | None = None
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return info_nce(scores, ignore=ignore, temperature=self.temperature, bidirectional=self.bidirectional)
