r"""Means of directions, computed from inner products alone.

Whatever lies on the sphere between N vectors is a weighted sum of them, and its weights depend only on their N x N
inner products. So vectors of any length are read once for the products, in pieces, and once for the sum; all angles are
worked out on N x N matrices in double precision. Every function here also takes a stack of such matrices, one a row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["gramian", "karcher_weights", "mean_cosine", "mean_direction_weights", "row_gramians", "slerp_weights"]

BLOCK = 1 << 14
"""Elements that are turned into doubles at a time, so that they stay in the processor's cache."""

CLOSE = 1e-14


def gramian(vectors: Sequence[Tensor]) -> Tensor:
    """Inner products of some tensors, in double precision.

    Args:
        vectors: (N,) of equal shape.

    Returns:
        (N, N) float64; differentiable.

    >>> gramian([torch.tensor([3.0, 4.0]), torch.tensor([1.0, 0.0])])
    tensor([[25.,  3.],
            [ 3.,  1.]], dtype=torch.float64)
    """
    flat = [vector.reshape(-1) for vector in vectors]
    total = torch.zeros(len(flat), len(flat), dtype=torch.float64, device=flat[0].device)
    for start in range(0, flat[0].numel(), BLOCK):
        block = torch.stack([vector[start : start + BLOCK] for vector in flat]).double()
        total = total + block @ block.mT
    return total


def row_gramians(vectors: Sequence[Tensor], *, columns: bool = False) -> Tensor:
    """Inner products row by row.

    Args:
        vectors: (N,) of shape (rows, length).
        columns: column by column instead; then the products of pieces of rows add up.

    Returns:
        (rows, N, N) float64, or (length, N, N) for columns.
    """
    rows, length = vectors[0].shape
    step = max(BLOCK // max(length, 1), 1)
    parts = []
    for start in range(0, max(rows, 1), step):
        block = torch.stack([vector[start : start + step] for vector in vectors], dim=1).double()  # (step, N, length)
        parts.append(torch.einsum("rnl,rml->lnm", block, block) if columns else block @ block.mT)
    return torch.stack(parts).sum(dim=0) if columns else torch.cat(parts)


def slerp_weights(gram: Tensor, t: float) -> Tensor:
    r"""Weights of two vectors at a share of the way along the arc between them.

    .. math:: \frac{\sin((1-t)\Omega)}{\sin\Omega}\,a + \frac{\sin(t\,\Omega)}{\sin\Omega}\,b, \qquad
        \cos\Omega = \frac{a \cdot b}{|a|\,|b|}

    Reference: Shoemake (1985), Animating rotation with quaternion curves, section 3.3.

    Args:
        gram: (..., 2, 2) inner products.
        t: 0 for the first vector, 1 for the second.

    Returns:
        (..., 2) float64: 1 - t and t where the vectors point the same way or exactly opposite ways, or one is zero.

    >>> slerp_weights(torch.eye(2, dtype=torch.float64), 0.5)
    tensor([0.7071, 0.7071], dtype=torch.float64)
    """
    cosine = _cosines(gram)[..., 0, 1].clamp(-1 + CLOSE, 1 - CLOSE)
    angle = cosine.acos()
    sine = angle.sin()
    curved = torch.stack([(angle * (1 - t)).sin() / sine, (angle * t).sin() / sine], dim=-1)
    straight = gram.new_tensor([1 - t, t])
    some_zero = (torch.diagonal(gram, dim1=-2, dim2=-1) <= 0).any(dim=-1)
    opposite = cosine < -1 + 1e-10
    return torch.where((some_zero | opposite)[..., None], straight, curved)


def mean_direction_weights(gram: Tensor, weights: Sequence[float], *, eps: float = 1e-8) -> Tensor:
    r"""Weights of vectors in their mean direction at their mean length.

    .. math:: \frac{\sum_i w_i \hat x_i}{|\sum_i w_i \hat x_i|} \sum_i w_i |x_i|

    Args:
        gram: (..., N, N) inner products.
        weights: w.
        eps: a mean of directions that is not longer than this has no direction.

    Returns:
        (..., N) float64: w where the directions cancel.

    >>> mean_direction_weights(torch.eye(2, dtype=torch.float64), [0.5, 0.5])
    tensor([0.7071, 0.7071], dtype=torch.float64)
    """
    shares = gram.new_tensor(list(weights))
    norms = _norms(gram)
    return _scaled(shares * _inverse(norms), gram, (shares * norms).sum(-1), shares, eps)


def karcher_weights(gram: Tensor, weights: Sequence[float], *, max_iter: int, tol: float) -> Tensor:
    r"""Weights of vectors in their Karcher mean on the sphere, at their mean length.

    Each step goes from the present mean m along the mean of the vectors' logarithms there:

    .. math:: v = \sum_i w_i \frac{\theta_i}{\sin\theta_i} (\hat x_i - \cos\theta_i\, m), \qquad
        m \leftarrow \cos|v|\, m + \frac{\sin|v|}{|v|}\, v, \qquad \cos\theta_i = \hat x_i \cdot m

    It starts in the mean direction and ends when :math:`|v| <` `tol`.

    Also known as: Fréchet mean, Riemannian centre of mass.

    Reference: Karcher (1977), Communications on Pure and Applied Mathematics 30; Buss and Fillmore (2001), Spherical
    averages, algorithm A1.

    Args:
        gram: (..., N, N) inner products; vectors that are zero count for the length only.
        weights: w, that sum to 1.
        max_iter: most steps.
        tol: radians.

    Returns:
        (..., N) float64: w where the directions cancel.

    >>> karcher_weights(torch.eye(2, dtype=torch.float64), [0.5, 0.5], max_iter=10, tol=1e-5)
    tensor([0.7071, 0.7071], dtype=torch.float64)
    """
    shares = gram.new_tensor(list(weights))
    norms = _norms(gram)
    length = (shares * norms).sum(-1)
    cosines = _cosines(gram)
    present = shares * (norms > 0)
    present = present / present.sum(-1, keepdim=True).clamp(min=CLOSE)
    mean = _unit(present, cosines)
    going = torch.ones_like(length, dtype=torch.bool)
    for _ in range(max_iter):
        towards = (cosines @ mean[..., None])[..., 0].clamp(-1 + CLOSE, 1 - CLOSE)
        angle = towards.acos()
        pull = present * angle / angle.sin()
        step = pull - (pull * towards).sum(-1, keepdim=True) * mean
        size = _length(step, cosines)
        going = going & (size >= tol)
        if not going.any():
            break
        moved = size.cos()[..., None] * mean + torch.sinc(size / torch.pi)[..., None] * step
        mean = torch.where(going[..., None], _unit(moved, cosines), mean)
    return _scaled(mean * _inverse(norms), gram, length, shares, 1e-8)


def mean_cosine(gram: Tensor) -> Tensor:
    """The mean cosine over all pairs of vectors; a vector that is zero has cosine 0 with all others.

    Args:
        gram: (..., N, N) inner products, N at least 2.

    Returns:
        (...) float64 in [-1, 1].

    >>> mean_cosine(torch.tensor([[4.0, 1.0], [1.0, 1.0]]))
    tensor(0.5000)
    """
    number = gram.shape[-1]
    off = ~torch.eye(number, dtype=torch.bool, device=gram.device)
    return (_cosines(gram) * off).sum((-2, -1)) / (number * (number - 1))


def _norms(gram: Tensor) -> Tensor:
    squares = torch.diagonal(gram, dim1=-2, dim2=-1)
    return torch.where(squares > 0, squares, 1.0).sqrt() * (squares > 0)


def _inverse(norms: Tensor) -> Tensor:
    return torch.where(norms > 0, 1.0 / torch.where(norms > 0, norms, 1.0), 0.0)


def _cosines(gram: Tensor) -> Tensor:
    inverse = _inverse(_norms(gram))
    return gram * inverse[..., None] * inverse[..., None, :]


def _length(coefficients: Tensor, gram: Tensor) -> Tensor:
    square = (coefficients * (gram @ coefficients[..., None])[..., 0]).sum(-1)
    return torch.where(square > 0, square, 1.0).sqrt() * (square > 0)


def _unit(coefficients: Tensor, gram: Tensor) -> Tensor:
    return coefficients * _inverse(_length(coefficients, gram))[..., None]


def _scaled(coefficients: Tensor, gram: Tensor, length: Tensor, otherwise: Tensor, eps: float) -> Tensor:
    """Coefficients stretched to a vector of a wanted length, or others where theirs gives no direction."""
    own = _length(coefficients, gram)
    scaled = coefficients * (length * _inverse(own))[..., None]
    return torch.where((own > eps)[..., None], scaled, otherwise)
