"""Long vectors as short ones whose inner products are nearly the same."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_at_least

__all__ = ["CountSketch", "sketch_error"]


def sketch_error(width: int) -> float:
    r"""Standard error that a sketch of so many numbers puts on the cosine of two vectors, at most: :math:`1/\sqrt w`.

    >>> sketch_error(65_536)
    0.00390625
    """
    return 1 / math.sqrt(width)


class CountSketch:
    r"""A random projection that costs one addition a number.

    .. math:: (S a)_j = \sum_{i : h(i) = j} \sigma_i a_i

    with a random bucket h(i) and a random sign for each coordinate, drawn once. Inner products keep their expectation,
    :math:`E\langle Sa, Sb \rangle = \langle a, b \rangle`, with a variance of at most
    :math:`(\|a\|^2 \|b\|^2 + \langle a, b \rangle^2) / w`. Vectors of at most `width` numbers are kept as they are.

    Also known as: feature hashing, hashing trick, sparse Johnson-Lindenstrauss transform.

    Reference: Charikar et al. (2002), Finding Frequent Items in Data Streams; Weinberger et al. (2009),
    arXiv:0902.2206, lemma 2 for the variance.

    Differs from the paper: buckets and signs are drawn and kept (4 bytes a coordinate) instead of hashed.

    Args:
        size: coordinates of the vectors.
        width: numbers that are kept of each.
        generator: draws buckets and signs.
    """

    def __init__(self, size: int, *, width: int, generator: torch.Generator) -> None:
        check_at_least("width", width, 1)
        self.size = size
        self.width = width
        self.codes = None
        if size > width:
            self.codes = torch.randint(0, 2 * width, (size,), dtype=torch.int32, generator=generator)

    def __call__(self, vector: Float[Tensor, " size"]) -> Float[Tensor, " width"]:
        """The sketch of a vector, float32, on the CPU."""
        vector = vector.detach().float().cpu()
        if self.codes is None:
            return vector.clone()
        codes = self.codes
        if 2 * int(torch.count_nonzero(vector)) < len(vector):  # rows of a table that no text has asked for
            places = vector.nonzero().squeeze(1)
            codes, vector = codes[places], vector[places]
        signed = torch.where(codes % 2 == 0, vector, -vector)
        return torch.zeros(self.width).index_add_(0, codes >> 1, signed)
