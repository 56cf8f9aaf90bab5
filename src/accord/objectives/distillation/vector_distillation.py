"""Vector distillation: the vector of a text must be the teacher's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["VectorDistillation", "vector_distillation"]

DISTANCES = ("cosine", "mse", "l2")


def vector_distillation(
    embeddings: Float[Tensor, "*rows dim"],
    teacher_embeddings: Float[Tensor, "*rows teacher_dim"],
    *,
    distance: str = "cosine",
) -> Float[Tensor, ""]:
    r"""Mean distance of each vector from the teacher's.

    .. math:: \operatorname{mean}_i\; 1 - \cos(v_i, t_i), \quad
              \operatorname{mean}_{i,\,d} (v_{id} - t_{id})^2, \quad \operatorname{mean}_i \lVert v_i - t_i \rVert

    Also known as: MSELoss, EmbedDistillLoss, multilingual knowledge distillation.

    Reference: Reimers & Gurevych (2020), arXiv:2004.09813, eq. 1.

    Differs from the paper: a cosine distance by default, since most encoders give vectors of length 1; both sides of a
    pair, where there are two, weigh alike.

    Args:
        embeddings: vectors, (n, dim) or (2, n, dim).
        teacher_embeddings: the teacher's of the same texts and dimension.
        distance: "cosine", "mse" (a mean over dimensions too) or "l2".

    Returns:
        At least 0.

    Raises:
        InputError: the two have different dimensions.

    >>> vector_distillation(torch.eye(2), torch.eye(2).flip(0))
    tensor(1.)
    """
    if embeddings.shape[-1] != teacher_embeddings.shape[-1]:
        dims = f"[{embeddings.shape[-1]}, {teacher_embeddings.shape[-1]}]"
        raise InputError(
            f"The model gives {embeddings.shape[-1]} dimensions and the teacher {teacher_embeddings.shape[-1]}: their "
            f"vectors cannot be laid side by side. Let a projection be learned between them (`projection: {dims}`), or "
            "distil scores, which have no dimension (`BatchKL`, `ListKL`)."
        )
    taught = teacher_embeddings.to(embeddings)
    if distance == "cosine":
        return 1 - F.cosine_similarity(embeddings, taught, dim=-1).mean()
    if distance == "l2":
        return (embeddings - taught).norm(dim=-1).mean()
    return F.mse_loss(embeddings, taught)


class VectorDistillation(Described, nn.Module):
    """:func:`vector_distillation` as a module, with a learned projection where the dimensions differ.

    The projection is trained beside the encoder and left behind afterwards.

    Args:
        distance: "cosine", "mse" (a mean over dimensions too) or "l2".
        projection: the dimensions of the encoder and of the teacher; None where they are equal.
        lr_factor: learning rate of the projection, relative to the encoder's.
    """

    def __init__(
        self, *, distance: str = "cosine", projection: Sequence[int] | None = None, lr_factor: float = 10.0
    ) -> None:
        super().__init__()
        check_choice("distance", distance, DISTANCES)
        check_at_least("lr_factor", lr_factor, 0)
        if projection is not None and (len(projection) != 2 or min(projection) < 1):
            raise InputError(f"`projection` must be the two dimensions, model's and teacher's. Got {projection!r}.")
        self.distance = distance
        self.projection = None if projection is None else tuple(projection)
        self.lr_factor = lr_factor
        self.weight = None if projection is None else nn.Parameter(_start(projection[1], projection[0]))

    def forward(
        self, embeddings: Float[Tensor, "*rows dim"], teacher_embeddings: Float[Tensor, "*rows teacher_dim"]
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        if self.weight is not None:
            if embeddings.shape[-1] != self.weight.shape[1]:
                raise InputError(
                    f"`projection` starts from {self.weight.shape[1]} dimensions, and the model gives "
                    f"{embeddings.shape[-1]}."
                )
            embeddings = F.linear(embeddings, self.weight.to(embeddings))
        return vector_distillation(embeddings, teacher_embeddings, distance=self.distance)


def _start(rows: int, columns: int) -> Tensor:
    """An orthogonal matrix, the same each time."""
    return nn.init.orthogonal_(torch.empty(rows, columns), generator=torch.Generator().manual_seed(0))
