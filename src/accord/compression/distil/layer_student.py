"""A student made of some of its teacher's own layers."""

from __future__ import annotations

import copy

import numpy as np
import torch
from jaxtyping import Float

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.encoders import TextEncoder
from accord.encoders.heads import Dense
from accord.encoders.text.layers import keep_layers

__all__ = ["layer_student", "spread_layers"]


def spread_layers(depth: int, layers: int) -> list[int]:
    r"""Layers at even distances, the first and the last among them.

    .. math:: l_k = \left\lfloor \frac{k\,(D - 1)}{L - 1} + \frac12 \right\rfloor, \qquad k = 0, \dots, L - 1

    and the first alone for one layer.

    Also known as: layer reduction, strided initialisation.

    Reference: Sanh et al. (2019), DistilBERT, arXiv:1910.01108, section 3 (one layer out of two).

    Differs from the paper: any number of layers; the first, which reads the token table, and the last, which writes
    what is pooled, always stay.

    Args:
        depth: D, layers of the teacher.
        layers: L, layers to keep, from 1 to the depth.

    Returns:
        Numbers from 0, rising.

    Raises:
        InputError: more layers than there are, or none.

    >>> spread_layers(6, 3), spread_layers(12, 4), spread_layers(6, 1)
    ([0, 3, 5], [0, 4, 7, 11], [0])
    """
    check_at_least("layers", layers, 1)
    if layers > depth:
        raise InputError(f"The student would have {layers} layers, and its teacher has {depth}. Ask for fewer.")
    return [(2 * k * (depth - 1) + layers - 1) // (2 * (layers - 1)) if layers > 1 else 0 for k in range(layers)]


def layer_student(
    teacher: TextEncoder, layers: int, *, axes: Float[np.ndarray, "inner dim"] | None = None
) -> TextEncoder:
    """A copy of the teacher with fewer layers and, where axes are given, fewer dimensions.

    Token table, positions, pooling, heads, prompts and tokenizer stay as they are. The axes become a `Dense` before the
    normalisation, which other libraries load too.

    Reference: Reimers & Gurevych's model reduction in sentence-transformers; Sanh et al. (2019), arXiv:1910.01108.

    Args:
        teacher: not changed.
        layers: to keep; which, says :func:`spread_layers`.
        axes: such as :func:`~accord.compression.distil.target_space.principal_axes` of the teacher's vectors, whose
            space the student then starts in.

    Returns:
        The student, before it has learned anything.

    Raises:
        InputError: more layers than there are, or a teacher that averages its layers.
    """
    if teacher.layer_mix is not None:
        raise InputError("The teacher averages all its layers, and some of them alone mean nothing. Name another "
                         "student.")  # fmt: skip
    kept = spread_layers(teacher.num_layers, layers)
    student = copy.deepcopy(teacher)
    keep_layers(student.backbone, kept)
    if axes is not None:
        dense = Dense(axes.shape[0], axes.shape[1], bias=False, activation="identity")
        with torch.no_grad():
            dense.linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(axes.T)))
        student.heads.insert(len(student.heads) - student.normalizes, dense.to(teacher.device))
        if "texts" in student.token_heads:
            del student.token_heads["texts"]  # it reads vectors of the former size
    student.metadata = {}
    return student.eval()
