"""Masked tokens: say which token stood at each hidden place."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_fraction
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["MaskedTokens", "masked_tokens"]


def masked_tokens(
    logits: Float[Tensor, "places vocabulary"], labels: Int[Tensor, " places"], *, smoothing: float = 0.0
) -> Float[Tensor, ""]:
    r"""Mean cross-entropy of the hidden tokens.

    .. math:: -\frac{1}{|M|} \sum_{p \in M} \log \mathrm{softmax}(z_p)_{x_p}

    over the hidden places M of the batch, with the token :math:`x_p` that stood there.

    Also known as: MLM, masked language modelling, cloze task, denoising of tokens.

    Reference: Devlin et al. (2019), BERT, arXiv:1810.04805, section 3.1 (task 1).

    Differs from the paper: nothing.

    Args:
        logits: raw scores of all tokens, one row a hidden place.
        labels: the tokens that stood there.
        smoothing: share of each label that is spread over the vocabulary, in [0, 1].

    Returns:
        Nats, at least 0; log(vocabulary) when all scores are equal; 0 where nothing is hidden.

    >>> import torch
    >>> masked_tokens(torch.zeros(2, 10), torch.tensor([3, 7]))
    tensor(2.3026)
    """
    if not len(labels):
        return logits.sum()
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


class MaskedTokens(Described, nn.Module):
    """:func:`masked_tokens` as a module, and what to hide.

    Args:
        rate: share of a text's tokens to predict, in (0, 1), at least one token of each text; special tokens and
            prompts are left alone.
        random: share of those that are replaced by a random token instead of the mask token.
        kept: share of those that stay as they are.
        smoothing: as in :func:`masked_tokens`.

    Raises:
        InputError: shares outside their ranges.
    """

    def __init__(self, *, rate: float = 0.15, random: float = 0.1, kept: float = 0.1, smoothing: float = 0.0) -> None:
        super().__init__()
        check_fraction("rate", rate, closed=False)
        check_fraction("random", random)
        check_fraction("kept", kept)
        check_fraction("smoothing", smoothing)
        if random + kept > 1:
            raise InputError(f"`random` and `kept` are shares of the same tokens. Got {random} + {kept} > 1 instead.")
        self.rate = rate
        self.random = random
        self.kept = kept
        self.smoothing = smoothing

    def forward(self, logits: Float[Tensor, "places vocabulary"], labels: Int[Tensor, " places"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return masked_tokens(logits, labels, smoothing=self.smoothing)
