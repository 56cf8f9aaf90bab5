"""Which examples of a labelled batch are positives and negatives of each other, and how far apart they are."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from accord.core.errors import InputError
from accord.maths.similarity import similarity

__all__ = ["class_distances", "class_masks"]


def class_distances(embeddings: Float[Tensor, "n dim"], kind: str) -> Float[Tensor, "n n"]:
    """Minus the similarity of all examples; a cosine distance up to the constant that differences lose.

    Raises:
        InputError: an unknown kind.

    >>> class_distances(torch.eye(2), "cosine")
    tensor([[-1., -0.],
            [-0., -1.]])
    """
    return -similarity(embeddings, embeddings, kind=kind)


def class_masks(labels: Int[Tensor, " n"]) -> tuple[Bool[Tensor, "n n"], Bool[Tensor, "n n"]]:
    """(positives, negatives): where two examples are of one class but not the same, and where they are of two.

    Raises:
        InputError: no class with two members, or a single class: no triplet at all.

    >>> right, wrong = class_masks(torch.tensor([0, 0, 1]))
    >>> right[0].tolist(), wrong[0].tolist()
    ([False, True, False], [False, False, True])
    """
    same = labels[:, None] == labels[None, :]
    right = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    if not bool(right.any()):
        raise InputError(f"No class has two members in this batch of {len(labels)}: no triplet. Use a larger batch.")
    if bool(same.all()):
        raise InputError(f"All {len(labels)} examples of this batch are of one class: no triplet without a negative.")
    return right, ~same
