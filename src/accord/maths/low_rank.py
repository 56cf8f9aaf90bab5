"""Products of thin matrices: their singular values without ever forming them, and the best ones of lower rank."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_at_least

__all__ = ["Truncated", "product_norm", "truncated_matrix", "truncated_product"]


@dataclass(frozen=True)
class Truncated:
    """The nearest matrix of some rank, as a product, and how much of the whole it keeps.

    Args:
        up: (outer, rank).
        down: (rank, inner).
        kept: sum of the squares of the singular values that were kept.
        total: of all of them.
    """

    up: Tensor
    down: Tensor
    kept: float
    total: float

    @property
    def energy(self) -> float:
        """The share that is kept, in [0, 1]; 1 for a matrix of zeros."""
        return min(1.0, self.kept / self.total) if self.total else 1.0


def truncated_product(
    up: Float[Tensor, "outer inside"], down: Float[Tensor, "inside inner"], rank: int | None = None
) -> Truncated:
    r"""The best approximation of :math:`B A` of some rank, from thin factors alone.

    .. math:: B = Q_B R_B,\quad A^\top = Q_A R_A,\quad R_B R_A^\top = U \Sigma V^\top
              \;\Rightarrow\; B A = (Q_B U)\, \Sigma\, (Q_A V)^\top

    so that only a matrix of the inner size is decomposed; the root of :math:`\Sigma` goes to either side.

    Also known as: truncated singular value decomposition, re-factoring, LoRA compression.

    Reference: Eckart and Young (1936), Psychometrika 1; Golub and Van Loan, Matrix Computations, section 5.4.

    Args:
        up: B.
        down: A.
        rank: to keep; all of them when not given.

    Returns:
        In the type of `up`, computed in float64.

    >>> found = truncated_product(torch.tensor([[3.0, 0.0], [0.0, 1.0]]), torch.eye(2), 1)
    >>> round(found.energy, 6), (found.up @ found.down).abs().round(decimals=4).tolist()
    (0.9, [[3.0, 0.0], [0.0, 0.0]])
    """
    left, left_small = torch.linalg.qr(up.double())
    right, right_small = torch.linalg.qr(down.double().T)
    u, values, v = torch.linalg.svd(left_small @ right_small.T, full_matrices=False)
    return _cut(left @ u, values, v @ right.T, rank, like=up)


def truncated_matrix(matrix: Float[Tensor, "outer inner"], rank: int) -> Truncated:
    """The best approximation of a whole matrix of some rank.

    Reference: Eckart and Young (1936), Psychometrika 1.

    Args:
        matrix: to approximate.
        rank: to keep.

    Returns:
        In its type, computed in float64.

    >>> truncated_matrix(torch.diag(torch.tensor([3.0, 4.0])), 1).energy
    0.64
    """
    u, values, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    return _cut(u, values, v, rank, like=matrix)


def product_norm(up: Float[Tensor, "outer inside"], down: Float[Tensor, "inside inner"]) -> float:
    r"""The Frobenius norm of :math:`B A`: the root of :math:`\mathrm{tr}(B^\top B \, A A^\top)`.

    >>> product_norm(torch.ones(2, 1), torch.ones(1, 8))
    4.0
    """
    left, right = up.double(), down.double()
    return float(((left.T @ left) * (right @ right.T)).sum().clamp(min=0).sqrt())


def _cut(u: Tensor, values: Tensor, v: Tensor, rank: int | None, *, like: Tensor) -> Truncated:
    if rank is not None:
        check_at_least("rank", rank, 1)
    kept = values[:rank]
    roots = kept.sqrt()
    return Truncated(
        up=(u[:, : len(kept)] * roots).to(like.dtype).contiguous(),
        down=(roots[:, None] * v[: len(kept)]).to(like.dtype).contiguous(),
        kept=float(kept.square().sum()),
        total=float(values.square().sum()),
    )
