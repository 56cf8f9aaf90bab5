"""Mega-batch margins: the positive above one bound, the hardest document of the batch below another."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_finite
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["MegaBatchMargin", "mega_batch_margin"]


def mega_batch_margin(
    scores: Float[Tensor, "queries docs"],
    *,
    ignore: Bool[Tensor, "queries docs"] | None = None,
    positive_margin: float = 0.8,
    negative_margin: float = 0.3,
) -> Float[Tensor, ""]:
    r"""How far each positive stays below one bound and the highest negative of the batch rises above another.

    .. math:: \operatorname{mean}_i\; \max(0,\; a - s_{ii}) + \max\bigl(0,\; \max_{j \ne i} s_{ij} - b\bigr)

    The larger the batch, the harder the hardest of its documents.

    Also known as: MegaBatchMarginLoss, hardest in-batch negative.

    Reference: Wieting & Gimpel (2018), arXiv:1711.05732, the margin loss and mega-batching.

    Differs from the paper: two bounds, one for each side, in place of one margin between them, as
    sentence-transformers has it; queries alone look for negatives.

    Args:
        scores: column i is the positive of query i; columns past the number of queries are further negatives.
        ignore: True where a document must not count as a negative.
        positive_margin: bound below which a positive costs something.
        negative_margin: bound above which a negative costs something.

    Returns:
        At least 0.

    Raises:
        InputError: no negative at all in the batch.

    >>> mega_batch_margin(torch.tensor([[0.7, 0.4], [0.1, 0.9]]))
    tensor(0.1000)
    """
    queries, docs = scores.shape
    own = torch.eye(queries, docs, dtype=torch.bool, device=scores.device)
    wrong = ~own if ignore is None else ~(own | ignore)
    some = wrong.any(1)
    if not bool(some.any()):
        raise InputError(
            f"A batch of {queries} without a negative has nothing to learn from: every other document is masked or "
            "missing. Use a larger batch, or data with more distinct texts."
        )
    hardest = scores.masked_fill(~wrong, -torch.inf)[some].amax(1)
    pulled = F.relu(positive_margin - scores.diagonal()).mean()
    return pulled + F.relu(hardest - negative_margin).sum() / queries


class MegaBatchMargin(Described, nn.Module):
    """:func:`mega_batch_margin` as a module; documents with a text that is known to be right are no negatives.

    Args:
        positive_margin: bound below which a positive costs something.
        negative_margin: bound above which a negative costs something.
    """

    mask = ("text",)

    def __init__(self, *, positive_margin: float = 0.8, negative_margin: float = 0.3) -> None:
        super().__init__()
        check_finite("positive_margin", positive_margin)
        check_finite("negative_margin", negative_margin)
        self.positive_margin = positive_margin
        self.negative_margin = negative_margin

    def forward(
        self, scores: Float[Tensor, "queries docs"], ignore: Bool[Tensor, "queries docs"] | None = None
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return mega_batch_margin(
            scores, ignore=ignore, positive_margin=self.positive_margin, negative_margin=self.negative_margin
        )
