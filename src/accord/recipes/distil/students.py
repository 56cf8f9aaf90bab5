"""Students of a distillation: what a word asks for, whether the teacher has it, and the student itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accord.compression.distil.layer_student import layer_student
from accord.compression.distil.static_student import static_student, token_vectors
from accord.core.checks import did_you_mean
from accord.core.errors import InputError, ModelError
from accord.core.progress import Progress, silent
from accord.encoders import StaticEncoder, TextEncoder, load, locate
from accord.encoders.kinds import is_cross_encoder

__all__ = ["StudentSpec", "make_student", "read_student"]

LAYERS = re.compile(r"(\d+)-layers?(?:-(\d+))?")
STATIC = re.compile(r"static(?:-(\d+))?")
FORMS = ("N-layers", "N-layers-N", "static", "static-N")
STATIC_DIM = 256
"""Dimensions of a table where none are asked for, as far as the teacher has so many."""


@dataclass(frozen=True)
class StudentSpec:
    """What a word asks for.

    Args:
        kind: "layers", "static" or "model".
        word: as it was given.
        layers: of a student made of its teacher's layers.
        dim: that the student is to have; None leaves it to the teacher, or to the model.
    """

    kind: str
    word: str
    layers: int | None = None
    dim: int | None = None

    def dim_for(self, teacher: TextEncoder | StaticEncoder) -> int:
        """Dimensions of a student made of this teacher.

        Raises:
            InputError: more than the teacher has.
        """
        wanted = self.dim or (min(STATIC_DIM, teacher.dim) if self.kind == "static" else teacher.dim)
        if wanted > teacher.dim:
            raise InputError(
                f"`student` {self.word} would have {wanted} dimensions, and its teacher has {teacher.dim}. Ask for "
                "fewer."
            )
        return wanted

    def check(self, teacher: TextEncoder | StaticEncoder, name: str) -> None:
        """See that a student can be made of a teacher.

        Raises:
            InputError: more layers or dimensions than the teacher has.
        """
        if self.kind == "model":
            return
        self.dim_for(teacher)
        if self.layers is None:
            return
        if not isinstance(teacher, TextEncoder):
            raise InputError(f"`student` {self.word}: the teacher {name} is static and has no layers.")
        if self.layers > teacher.num_layers:
            raise InputError(
                f"`student` {self.word} would have {self.layers} layers, and its teacher {name} has "
                f"{teacher.num_layers}. Ask for fewer."
            )


def read_student(word: str) -> StudentSpec:
    """What `N-layers`, `N-layers-DIM`, `static`, `static-DIM` or the name of a model asks for.

    Raises:
        InputError: neither, with a suggestion; a cross-encoder; no layer or no dimension.

    >>> read_student("3-layers-128")
    StudentSpec(kind='layers', word='3-layers-128', layers=3, dim=128)
    >>> read_student("static").kind
    'static'
    """
    if found := LAYERS.fullmatch(word):
        layers, dim = int(found[1]), None if found[2] is None else int(found[2])
        if layers < 1 or dim == 0:
            raise InputError(f"`student` must have at least one layer and one dimension. Got {word!r} instead.")
        return StudentSpec("layers", word, layers, dim)
    if found := STATIC.fullmatch(word):
        if found[1] is not None and int(found[1]) < 1:
            raise InputError(f"`student` must have at least one dimension. Got {word!r} instead.")
        return StudentSpec("static", word, dim=None if found[1] is None else int(found[1]))
    hint = "" if "/" in word or Path(word).exists() else did_you_mean(re.sub(r"\d+", "N", word), FORMS)
    rule = "`student` must be `N-layers`, `N-layers-DIM`, `static`, `static-DIM` or a model."
    if hint:
        raise InputError(f"{rule} Got {word!r} instead.{hint}")
    try:
        scores = is_cross_encoder(locate(word))
    except ModelError as error:
        raise InputError(f"{rule} Got {word!r} instead: {error}") from error
    if scores:
        raise InputError(f"`student` {word} is a cross-encoder, which makes no vectors. Name an encoder.")
    return StudentSpec("model", word)


def make_student(
    spec: StudentSpec,
    teacher: TextEncoder | StaticEncoder,
    *,
    axes: np.ndarray | None,
    texts: Sequence[str],
    progress: Progress = silent,
) -> TextEncoder | StaticEncoder:
    """The student before it has learned anything.

    Args:
        spec: what is asked for.
        teacher: whose layers or tokens it is made of, where it is.
        axes: (teacher's dimensions, student's), where it has fewer than its teacher.
        texts: that a table counts tokens in.
        progress: opens bars.
    """
    if spec.kind == "model":
        return load(spec.word)
    if spec.kind == "static":
        table = token_vectors(teacher, progress=progress)
        return static_student(teacher, table, axes=axes, texts=list(texts)).to(teacher.device)
    assert isinstance(teacher, TextEncoder), "seen by `check`"
    assert spec.layers is not None, "a student of layers has some"
    return layer_student(teacher, spec.layers, axes=axes)
