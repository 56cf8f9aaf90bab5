"""Bag of tokens: say from the vector of a text which tokens the text holds."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_fraction
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["BagOfTokens", "bag_of_tokens"]


def bag_of_tokens(logits: Float[Tensor, "n vocabulary"], labels: Float[Tensor, "n vocabulary"]) -> Float[Tensor, ""]:
    r"""Mean cross-entropy of all tokens of a text under one softmax over the vocabulary.

    .. math:: -\frac1n \sum_i \sum_{x \in X_i} \frac{q_{ix}}{\sum_y q_{iy}} \log \mathrm{softmax}(z_i)_x

    The whole text has to pass through its vector: an autoencoder whose decoder is the token table alone.

    Also known as: bag-of-word prediction, masked autoencoding without a decoder; related to RetroMAE and TSDAE, whose
    decoders are transformers.

    Reference: Ma et al. (2024), Drop your Decoder, arXiv:2401.11248, section 3 (bag-of-word prediction); Xiao et al.
    (2022), DupMAE, arXiv:2211.08769, for the same loss beside a decoder.

    Differs from the paper: the vector that the encoder gives for a text is read, whatever its pooling, and not the
    first token; masked-token prediction is a task of its own (:class:`~accord.objectives.MaskedTokens`).

    Args:
        logits: raw scores of all tokens, one row a text.
        labels: q, at least 0: how much each token of the vocabulary counts for the text; 1 for those that it holds, 0
            for the others. A row of zeros, of a text without tokens, does not count.

    Returns:
        Nats, at least 0; log(vocabulary) when all scores are equal.

    >>> import torch
    >>> bag_of_tokens(torch.zeros(1, 10), torch.eye(10)[[3]] + torch.eye(10)[[7]])
    tensor(2.3026)
    """
    totals = labels.sum(1, keepdim=True)
    shares = labels / totals.clamp(min=1e-12)
    found = -(shares * F.log_softmax(logits, dim=1)).sum(1)
    return found.sum() / (totals > 0).sum().clamp(min=1)


class BagOfTokens(Described, nn.Module):
    """:func:`bag_of_tokens` as a module, and what to hide from the encoder meanwhile.

    Args:
        rate: share of a text's tokens that are replaced by the mask token before it is encoded, in [0, 1): the vector
            has to say what is missing, too. Special tokens and prompts are left alone.

    Raises:
        InputError: a rate outside its range.
    """

    random = 0.0
    kept = 0.0

    def __init__(self, *, rate: float = 0.3) -> None:
        super().__init__()
        check_fraction("rate", rate)
        if rate == 1:
            raise InputError(f"`rate` must be below 1, or nothing of a text is left. Got {rate!r} instead.")
        self.rate = rate

    def forward(
        self, logits: Float[Tensor, "n vocabulary"], labels: Float[Tensor, "n vocabulary"]
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return bag_of_tokens(logits, labels)
