"""Steps that can be learned through: exact on the way forward, their slope made up on the way back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["round_through", "sign_through"]


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, width: float) -> Tensor:
        ctx.save_for_backward(values)
        ctx.width = width
        return torch.where(values > 0, 1.0, -1.0).to(values.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (values,) = ctx.saved_tensors
        return gradients[0] * (values.abs() <= ctx.width), None


def sign_through(values: Tensor, *, width: float = 1.0) -> Tensor:
    r"""Signs, with the gradient of the identity near zero and none beyond.

    .. math:: b = \begin{cases} +1 & x > 0 \\ -1 & x \le 0 \end{cases}, \qquad
        \frac{\partial L}{\partial x} := \frac{\partial L}{\partial b} \, [\,|x| \le w\,]

    A number that is far from the threshold is left alone: pushing it further changes no sign, and what would bring it
    back is noise.

    Also known as: straight-through estimator with clipping, hard-tanh gradient, binary activation.

    Reference: Bengio et al. (2013), arXiv:1308.3432, section 4; Hubara et al. (2016), arXiv:1602.02830, eq. 4, for the
    clipping.

    Args:
        values: any shape.
        width: w, positive.

    Returns:
        +1 and -1, of the same shape; zero becomes -1.

    >>> x = torch.tensor([-0.5, 0.0, 0.2, 3.0], requires_grad=True)
    >>> signs = sign_through(x)
    >>> signs.sum().backward()
    >>> signs.tolist(), x.grad.tolist()
    ([-1.0, -1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0])
    """
    return _Sign.apply(values, width)  # pyright: ignore[reportReturnType]


def round_through(shares: Tensor) -> Tensor:
    r"""Numbers in [0, 1] rounded to 0 or 1, with the gradient of the identity.

    .. math:: b = [\,p > \tfrac12\,], \qquad \frac{\partial L}{\partial p} := \frac{\partial L}{\partial b}

    Also known as: rounded sigmoid units, when the shares come from a sigmoid.

    Reference: Krizhevsky and Hinton (2011), Using Very Deep Autoencoders for Content-Based Image Retrieval, section 3.

    Args:
        shares: any shape.

    Returns:
        0 and 1, of the same shape; one half becomes 0.

    >>> p = torch.tensor([0.2, 0.5, 0.7], requires_grad=True)
    >>> rounded = round_through(p)
    >>> rounded.sum().backward()
    >>> rounded.tolist(), p.grad.tolist()
    ([0.0, 0.0, 1.0], [1.0, 1.0, 1.0])
    """
    hard = (shares > 0.5).to(shares.dtype)
    return hard + (shares - shares.detach())
