"""Similarity distillation: two texts must be as similar as the teacher finds them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.errors import InputError
from accord.core.spec import Described
from accord.maths.similarity import similarity

__all__ = ["SimilarityDistillation", "similarity_distillation"]


def similarity_distillation(
    embeddings: Float[Tensor, "*rows dim"], teacher_embeddings: Float[Tensor, "*rows teacher_dim"]
) -> Float[Tensor, ""]:
    r"""Mean squared difference between the cosines of all pairs of texts in a batch and the teacher's.

    .. math:: \frac{1}{n (n - 1)} \sum_{i \ne j} \bigl(\cos(v_i, v_j) - \cos(t_i, t_j)\bigr)^2

    Nothing but angles is compared, so that the two models may have any dimensions and the student a space of its own.

    Also known as: similarity-preserving distillation, relational knowledge distillation, Gram matrix matching.

    Reference: Tung & Mori (2019), Similarity-Preserving Knowledge Distillation, arXiv:1907.09682, eq. 2-4; Park et al.
    (2019), Relational Knowledge Distillation, arXiv:1904.05068.

    Differs from the paper: each vector is normalised, and not each row of the matrix of products, since rankings read
    cosines; a text's similarity to itself does not count.

    Args:
        embeddings: vectors, (n, dim) or (2, n, dim); of pairs, both sides count as texts.
        teacher_embeddings: the teacher's of the same texts; any dimension.

    Returns:
        In [0, 4].

    Raises:
        InputError: a single text.

    >>> similarity_distillation(torch.eye(2), torch.tensor([[1.0], [1.0]]))
    tensor(1.)
    """
    found = embeddings.reshape(-1, embeddings.shape[-1])
    taught = teacher_embeddings.reshape(-1, teacher_embeddings.shape[-1]).to(found)
    if len(found) < 2:
        raise InputError("A batch of one text has no two texts to compare. Raise the batch size.")
    apart = ~torch.eye(len(found), dtype=torch.bool, device=found.device)
    return F.mse_loss(similarity(found, found)[apart], similarity(taught, taught)[apart])


class SimilarityDistillation(Described, nn.Module):
    """:func:`similarity_distillation` as a module."""

    def forward(
        self, embeddings: Float[Tensor, "*rows dim"], teacher_embeddings: Float[Tensor, "*rows teacher_dim"]
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return similarity_distillation(embeddings, teacher_embeddings)
