"""Which layer of a teacher each layer of a student learns from."""

from __future__ import annotations

from collections.abc import Sequence

from accord.core.checks import check_at_least
from accord.core.errors import InputError

__all__ = ["even_layers", "layer_pairs"]


def even_layers(student: int, teacher: int) -> list[tuple[int, int]]:
    r"""All layers of a student with layers of the teacher spread evenly, the last with the last.

    .. math:: l \mapsto \mathrm{round}(l \cdot T / S), \qquad l = 1 \ldots S

    Also known as: uniform layer mapping, skip.

    Reference: Jiao et al. (2020), TinyBERT, arXiv:1909.10351, section 4.1 (uniform strategy).

    Differs from the paper: the numbers of layers need not divide each other; a deeper student learns a layer of the
    teacher several times.

    Args:
        student: layers of the student.
        teacher: layers of the teacher.

    Returns:
        (student's, teacher's) by rising student's, counted from 1.

    >>> even_layers(2, 6), even_layers(3, 4)
    ([(1, 3), (2, 6)], [(1, 1), (2, 3), (3, 4)])
    """
    check_at_least("student", student, 1)
    check_at_least("teacher", teacher, 1)
    return [(k, max(1, (2 * k * teacher + student) // (2 * student))) for k in range(1, student + 1)]


def layer_pairs(layers: Sequence[Sequence[int]] | None, student: int, teacher: int) -> list[tuple[int, int]]:
    """The pairs that are compared, the token tables first.

    Args:
        layers: (student's, teacher's), counted from 1; :func:`even_layers` when not given.
        student: layers of the student.
        teacher: layers of the teacher.

    Raises:
        InputError: a layer that a model does not have.

    >>> layer_pairs([[1, 2]], 2, 6)
    [(0, 0), (1, 2)]
    """
    pairs = even_layers(student, teacher) if layers is None else [(int(own), int(taught)) for own, taught in layers]
    for own, taught in pairs:
        for name, layer, depth in (("student", own, student), ("teacher", taught, teacher)):
            if not 1 <= layer <= depth:
                raise InputError(
                    f"`layers` names layer {layer} of the {name}, which has {depth}. Name one of 1 to {depth}."
                )
    return [(0, 0), *pairs]
