"""A table in fewer bytes."""

from __future__ import annotations

import torch

from accord.encoders.static.table import TokenTable

__all__ = ["STORED", "rounded"]

STORED = {"float32": torch.float32, "float16": torch.float16, "int8": torch.int8}


def rounded(table: TokenTable, stored: str) -> TokenTable:
    r"""The table whose numbers the type `stored` holds without loss.

    In int8 the row of token t is :math:`\mathrm{round}(E_t / s_t)` with :math:`s_t = \max_i |E_{ti}| / 127`, and
    :math:`s_t` multiplies the token's weight, so that lengths are kept.

    Also known as: scalar quantisation, symmetric per-row int8.

    Args:
        table: is not changed.
        stored: one of :data:`STORED`.

    Returns:
        A table whose numbers are float32 still.

    >>> table = TokenTable(torch.tensor([[0.5, -1.0], [2.0, 0.0]]))
    >>> rounded(table, "int8").embeddings.tolist()
    [[64.0, -127.0], [127.0, 0.0]]
    """
    numbers = table.embeddings.detach()
    if stored != "int8":
        return TokenTable(numbers.to(STORED[stored]).float(), weights=table.weights, mapping=table.mapping)
    scale = numbers.abs().amax(dim=1) / 127
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    shares = scale if table.mapping is None else scale[table.mapping]
    weights = shares if table.weights is None else shares[: table.tokens] * table.weights[: table.tokens]
    mapping = None if table.mapping is None else table.mapping[: len(weights)]
    whole = (numbers / scale[:, None]).round() + 0.0  # no negative zeros
    return TokenTable(whole, weights=weights, mapping=mapping)
