"""Products of thin matrices: their singular values without ever forming them, and the best ones of lower rank."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_at_least

__all__ = ["Truncated", "product_norm", "truncated_matrix", "truncated_pairing", "truncated_product"]


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


def truncated_pairing(
    left: Float[Tensor, "outer outer"],
    right: Float[Tensor, "inner inner"],
    matrix: Float[Tensor, "outer inner"],
    rank: int,
) -> tuple[Float[Tensor, "outer rank"], Float[Tensor, "inner rank"]]:
    r"""The best factors :math:`E D^\top \approx M` where both sides have a spread of their own.

    .. math:: \min_{E, D} \| L^{1/2} (M - E D^\top) R^{1/2} \|_F, \qquad L^{1/2} M R^{1/2} = U \Sigma V^\top
              \;\Rightarrow\; E = L^{-1/2} U \Sigma^{1/2},\; D = R^{-1/2} V \Sigma^{1/2}

    so that :math:`x^\top M y` keeps its values best for x and y with the second moments L and R.

    Also known as: data-aware low rank, whitened singular value decomposition.

    Reference: Eckart and Young (1936), Psychometrika 1; Wang et al. (2024), SVD-LLM, arXiv:2403.07378, section 3.2.

    Args:
        left: L, symmetric, not negative; directions without spread are left out.
        right: R, the same.
        matrix: M.
        rank: to keep.

    Returns:
        E and D in float64.

    >>> one = torch.eye(2, dtype=torch.float64)
    >>> e, d = truncated_pairing(torch.diag(torch.tensor([9.0, 1.0])), one, one, 1)
    >>> (e @ d.T).round(decimals=4).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    check_at_least("rank", rank, 1)
    (left_root, left_back), (right_root, right_back) = _roots(left), _roots(right)
    u, values, v = torch.linalg.svd(left_root @ matrix.double() @ right_root, full_matrices=False)
    roots = values[:rank].sqrt()
    return left_back @ u[:, :rank] * roots, right_back @ v[:rank].T * roots


def _roots(spread: Tensor) -> tuple[Tensor, Tensor]:
    """The symmetric root of a matrix and its pseudo-inverse."""
    values, axes = torch.linalg.eigh(spread.double())
    roots = values.clamp(min=0).sqrt()
    real = roots > 1e-6 * roots.max()
    back = torch.where(real, 1 / torch.where(real, roots, 1.0), 0.0)
    return (axes * roots * real) @ axes.T, (axes * back) @ axes.T


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
