"""AnglE: order pairs by the angle between their vectors as complex numbers, where the cosine's slope has died out."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.maths.ordering import wrong_orders

__all__ = ["AnglE", "angle"]


def angle(
    embeddings: Float[Tensor, "2 n dim"], labels: Float[Tensor, " n"], *, temperature: float = 0.05
) -> Float[Tensor, ""]:
    r"""Penalise every two pairs whose angle differences stand in the wrong order.

    The first half of a vector is read as real parts and the second as imaginary parts, z of the one text and w of the
    other. Dividing them leaves the angle between them in each complex plane:

    .. math:: s = \Bigl|\sum \operatorname{Re} \frac{z}{w} + \operatorname{Im} \frac{z}{w}\Bigr|, \qquad
              \log\Bigl(1 + \sum_{y_i > y_j} e^{(s_j - s_i)/\tau}\Bigr)

    where z/w stands for the product with the conjugate, both vectors at length 1.

    Also known as: AnglELoss, angle-optimised embeddings, AoE.

    Reference: Li & Li (2023), arXiv:2309.12871, and the authors' code, whose order of the difference it
    follows; eq. 3 of the published paper has it the other way round.

    Differs from the paper: the angle term alone; the paper adds it to a cosine term (`CoSENT`) and to in-batch
    negatives (`InfoNCE`). The factor 20 of the code is written as a temperature of 0.05.

    Args:
        embeddings: (2, n, dim) vectors of the two sides; an odd dimension is filled up with a zero.
        labels: (n) gold scores; only their order counts.
        temperature: > 0.

    Returns:
        Nats, at least 0.

    Raises:
        InputError: vectors of one side only, or gold scores that are all equal.

    >>> sides = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.6, -0.8]]])
    >>> angle(sides, torch.tensor([0.0, 1.0]), temperature=1.0)
    tensor(0.5130)
    """
    if embeddings.ndim != 3 or len(embeddings) != 2:
        raise InputError(f"`embeddings` must be (2, n, dim), the two sides of pairs. Got {tuple(embeddings.shape)}.")
    if embeddings.shape[2] % 2:
        embeddings = F.pad(embeddings, (0, 1))
    unit = F.normalize(embeddings, dim=2)
    (a, c), (b, d) = unit.chunk(2, dim=2)  # a + ib of the one text, c + id of the other
    real = a * c + b * d
    imaginary = b * c - a * d
    return wrong_orders((real + imaginary).sum(1).abs(), labels, temperature=temperature)


class AnglE(Described, nn.Module):
    """:func:`angle` as a module.

    Args:
        temperature: > 0.
    """

    def __init__(self, *, temperature: float = 0.05) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature

    def forward(self, embeddings: Float[Tensor, "2 n dim"], labels: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return angle(embeddings, labels, temperature=self.temperature)
