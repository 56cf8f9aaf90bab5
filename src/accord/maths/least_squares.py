"""Linear maps by least squares from second moments: no row of the data is kept."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_at_least

__all__ = ["explain_rest", "ridge"]


def ridge(
    gram: Float[Tensor, "inner inner"], cross: Float[Tensor, "inner outer"], *, penalty: float = 1e-4
) -> Float[Tensor, "inner outer"]:
    r"""The map W with the least :math:`\|X W - Y\|^2 + \lambda \|W\|^2`, from :math:`X^\top X` and :math:`X^\top Y`.

    .. math:: W = (X^\top X + \lambda I)^{-1} X^\top Y, \qquad \lambda = p \cdot \mathrm{tr}(X^\top X) / d

    Also known as: Tikhonov regularisation, regularised linear regression.

    Reference: Hoerl & Kennard (1970), Technometrics 12, eq. 2.1.

    Differs from the paper: the penalty is a share of the mean variance, so that it does not depend on scale.

    Args:
        gram: symmetric, not negative.
        cross: one column a target.
        penalty: p, at least 0.

    Returns:
        W in float64; zeros where X is nothing but zeros.

    >>> ridge(torch.diag(torch.tensor([4.0, 2.0])), torch.tensor([[8.0], [2.0]]), penalty=0.0).tolist()
    [[2.0], [1.0]]
    """
    check_at_least("penalty", penalty, 0)
    wide = gram.to(torch.float64)
    level = wide.diagonal().mean()
    if not level > 0:
        return torch.zeros(cross.shape, dtype=torch.float64, device=cross.device)
    loaded = wide + penalty * level * torch.eye(len(wide), dtype=torch.float64, device=wide.device)
    return torch.linalg.lstsq(loaded, cross.to(torch.float64)).solution


def explain_rest(
    moment: Float[Tensor, "dim dim"], kept: Tensor, rest: Tensor, *, penalty: float = 1e-4
) -> Float[Tensor, "kept rest"]:
    r"""How coordinates that are taken out are best told from those that stay.

    .. math:: x_R \approx x_K F, \qquad F = (\Sigma_{KK} + \lambda I)^{-1} \Sigma_{KR}

    so that a linear map :math:`x W` becomes :math:`x_K (W_K + F W_R)`.

    Also known as: interpolative decomposition, conditional mean, Schur complement.

    Reference: Cheng et al. (2005), SIAM Journal on Scientific Computing 26, section 3.

    Args:
        moment: second moments of x, or their sum over rows.
        kept: numbers of the coordinates that stay.
        rest: of the others.
        penalty: as for :func:`ridge`.

    Returns:
        F in float64.

    >>> both = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    >>> explain_rest(both, torch.tensor([0]), torch.tensor([1]), penalty=0.0).tolist()
    [[0.5]]
    """
    return ridge(moment[kept][:, kept], moment[kept][:, rest], penalty=penalty)
