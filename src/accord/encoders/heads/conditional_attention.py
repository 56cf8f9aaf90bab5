"""A head that is told what to look for: a token of each condition attends to a text's tokens and gives a space."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError
from accord.core.random import torch_generator
from accord.core.spec import Described

__all__ = ["ConditionalAttention", "conditional_attention"]

SPREAD = 0.02


def conditional_attention(
    condition: Float[Tensor, "batch inner"],
    keys: Float[Tensor, "batch tokens inner"],
    values: Float[Tensor, "batch tokens inner"],
    mask: Bool[Tensor, "batch tokens"],
    *,
    heads: int,
) -> Float[Tensor, "batch inner"]:
    r"""What each condition finds among the tokens of its text.

    .. math:: \Bigl[\sum_t \mathrm{softmax}_t\bigl(\tfrac{c_h \cdot k_{th}}{\sqrt{d / H}}\bigr) v_{th}\Bigr]_{h=1..H}

    Also known as: conditional cross-attention, CCA, attention pooling with a learnt query.

    Reference: Song et al. (2023), Conditional Cross Attention Network, arXiv:2307.13254, section 3; Vaswani et al.
    (2017), arXiv:1706.03762, eq. 1, for several heads.

    Differs from the paper: tokens of a text in place of patches of a picture.

    Args:
        condition: c, one query a text.
        keys: k, of each token.
        values: v, of each token.
        mask: True where a token is real, at least one a text.
        heads: H, parts that attend on their own; a divisor of the width.

    Returns:
        A mean of values a head, side by side.

    >>> x = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> mask = torch.tensor([[True, True]])
    >>> conditional_attention(torch.tensor([[9.0, 0.0]]), x, x, mask, heads=1).round(decimals=1)
    tensor([[1., 0.]])
    """
    batch, width = condition.shape
    parts = [part.reshape(batch, -1, heads, width // heads).transpose(1, 2) for part in (condition, keys, values)]
    found = F.scaled_dot_product_attention(*parts, attn_mask=mask[:, None, None, :])
    return found.transpose(1, 2).reshape(batch, width)


class ConditionalAttention(Described, nn.Module):
    r"""Token vectors and the number of a condition to one vector: a transformer block whose query is the condition.

    .. math:: a = e_c + W_o\,\mathrm{attention}(W_q \bar e_c, W_k \bar X, W_v \bar X), \qquad
              f_c(X) = \frac{W (a + \mathrm{MLP}(\bar a))}{\lVert\cdot\rVert}

    where :math:`\bar x` is layer normalisation. All weights but the conditions' tokens :math:`e_c` are shared.

    Reference: Song et al. (2023), Conditional Cross Attention Network, arXiv:2307.13254, section 3.

    Differs from the paper: stands on token vectors of an encoder that is not trained, where the paper trains its vision
    transformer below; the maps of values, of outputs and of the vector begin as the identity, so that training begins
    near the encoder's own mean of tokens.

    Args:
        names: of the conditions.
        in_features: width of the token vectors.
        out_features: dimensions of a vector.
        heads: of the attention; a divisor of `in_features`.
        inner: units of the MLP, in multiples of the width.
        dropout: on what the attention and the MLP add, in training.
        seed: of the weights.

    Raises:
        InputError: names that repeat, or sizes that do not fit.
    """

    def __init__(
        self,
        names: Sequence[str],
        in_features: int,
        out_features: int,
        *,
        heads: int = 6,
        inner: int = 2,
        dropout: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(names, str) or not len(names) or len(set(names)) != len(names):
            raise InputError(f"`names` must be a list of different conditions, one at least. Got {names!r} instead.")
        for name, value in (("in_features", in_features), ("out_features", out_features), ("heads", heads)):
            check_at_least(name, value, 1)
        check_at_least("inner", inner, 1)
        check_fraction("dropout", dropout)
        if in_features % heads:
            raise InputError(f"`heads` must divide `in_features`, {in_features}. Got {heads} instead.")
        self.names = list(names)
        self.in_features, self.out_features = in_features, out_features
        self.heads, self.inner, self.dropout, self.seed = heads, inner, dropout, seed
        self.conditions = nn.Parameter(torch.empty(len(self.names), in_features))
        self.query, self.key, self.value, self.output = (nn.Linear(in_features, in_features) for _ in range(4))
        self.up, self.down = nn.Linear(in_features, inner * in_features), nn.Linear(inner * in_features, in_features)
        self.vector = nn.Linear(in_features, out_features)
        self.norms = nn.ModuleList(nn.LayerNorm(in_features) for _ in range(3))
        self._begin()

    def _begin(self) -> None:
        generator = torch_generator(self.seed, "conditional attention")
        with torch.no_grad():
            self.conditions.normal_(0.0, 1.0, generator=generator)
            for linear in (self.query, self.key, self.up, self.down):
                linear.weight.normal_(0.0, SPREAD, generator=generator)
            for linear in (self.value, self.output, self.vector):
                nn.init.eye_(linear.weight)
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    module.bias.zero_()

    def forward(
        self,
        tokens: Float[Tensor, "batch tokens width"],
        mask: Bool[Tensor, "batch tokens"],
        conditions: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch dim"]:
        """Unit vectors of texts, each under its condition.

        Args:
            tokens: of the last layer.
            mask: True where a token is real.
            conditions: the number of a name, one a text.
        """
        asked = self.conditions[conditions]
        seen = self.norms[1](tokens)
        found = conditional_attention(
            self.query(self.norms[0](asked)), self.key(seen), self.value(seen), mask, heads=self.heads
        )
        whole = asked + F.dropout(self.output(found), self.dropout, self.training)
        added = self.down(F.gelu(self.up(self.norms[2](whole))))
        return F.normalize(self.vector(whole + F.dropout(added, self.dropout, self.training)), dim=-1)
