"""A head that predicts tokens by the rows of the token table."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError

__all__ = ["TokenHead"]


class TokenHead(nn.Module):
    r"""Raw scores :math:`T\,\mathrm{norm}(\mathrm{gelu}(D h + d)) + b` of all tokens, with T the encoder's token table.

    The table is not held here: it is handed over at each call, so that it gets its gradient and stays one.

    Also known as: masked language model head, tied output embeddings, decoder of BERT.

    Reference: Press and Wolf (2017), arXiv:1608.05859, section 2, for the tying; Devlin et al. (2019),
    arXiv:1810.04805, section 3.1 and its published code for the transform.

    Differs from the paper: the transform may be left out; then h itself is compared with the table, normalised to a
    mean square of one where it is a vector of unit length.

    Args:
        inner: dimensions of what comes in.
        width: dimensions of the token table.
        vocabulary: rows of the token table.
        transform: whether D, gelu and norm are there.
        generator: draws D, normal with deviation 0.02; d and b start as zeros.

    Raises:
        InputError: another width than the table's, and no transform.
    """

    def __init__(
        self,
        inner: int,
        width: int,
        vocabulary: int,
        *,
        transform: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("inner", inner), ("width", width), ("vocabulary", vocabulary)):
            check_at_least(name, value, 1)
        if not transform and inner != width:
            raise InputError(
                f"The token table has {width} dimensions and the vectors {inner}: a head needs its transform there. "
                "Set `transform` to true."
            )
        self.inner = inner
        self.width = width
        self.transform = transform
        self.dense = nn.Linear(inner, width) if transform else None
        self.norm = nn.LayerNorm(width, eps=1e-12) if transform else None
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        if self.dense is not None:
            with torch.no_grad():
                self.dense.weight.copy_(torch.randn(width, inner, generator=generator) * 0.02)
                self.dense.bias.zero_()

    def forward(
        self, hidden: Float[Tensor, "rows inner"], table: Float[Tensor, "vocabulary width"]
    ) -> Float[Tensor, "rows vocabulary"]:
        """Raw scores, with gradients to the head, the rows and the table."""
        if self.dense is not None and self.norm is not None:
            hidden = self.norm(F.gelu(self.dense(hidden)))
        return F.linear(hidden, table, self.bias)

    def grow(self, vocabulary: int) -> None:
        """Make room for tokens that the table has gained, in place; their bias starts as zero."""
        more = vocabulary - len(self.bias)
        if more > 0:
            self.bias = nn.Parameter(torch.cat([self.bias.detach(), self.bias.detach().new_zeros(more)]))
