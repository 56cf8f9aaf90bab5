"""A small student that learns from the whole model, on the texts of three tasks, and what judges it.

Claims about distillation share the texts, the student's start and the tests: two scored sets and four searches, half of
them of data that no text comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from claims.base import Context
from claims.judges import mean
from claims.mixture import ROLES, Mixture, Sizes, mixture, values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.training import Settings

__all__ = [
    "HELD_OUT",
    "LEARNT",
    "ROLES",
    "SCALES",
    "Scale",
    "VectorsAlone",
    "learn",
    "material",
    "study",
    "texts_of_all",
    "whole",
]

LEARNT = ("similarity", "evidence", "code")
HELD_OUT = ("relatedness", "medicine", "commands")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything.

    Args:
        regimes: the student's start, steps, and the learning rates.
        texts: of each task, at most.
    """

    regimes: tuple[Regime, ...]
    sizes: Sizes
    texts: int


_WHOLE = Sizes(batch=32, steps=30, queries=150, documents=400, pairs=1_000, rates=(2e-4,), max_length=64)
SCALES = {
    "quick": Scale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=60, rates=(1e-4, 4e-4)),),
        sizes=replace(_WHOLE, queries=60, documents=200, pairs=400),
        texts=1_000,
    ),
    "full": Scale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=300, rates=(1e-4, 4e-4)),),
        sizes=_WHOLE,
        texts=4_000,
    ),
}


class VectorsAlone(nn.Module):
    """Mean of 1 - cos of the student's vectors and the teacher's; hidden states are asked for, as by its rivals."""

    def forward(
        self,
        hidden: Tensor,
        teacher_hidden: Tensor,
        embeddings: Tensor,
        teacher_embeddings: Tensor,
    ) -> Tensor:
        """The loss of one batch."""
        del hidden, teacher_hidden
        return 1 - F.cosine_similarity(embeddings, teacher_embeddings.to(embeddings), dim=-1).mean()


def material(context: Context) -> tuple[Scale, Mixture]:
    """The scale, and the tasks of it."""
    scale = SCALES[context.scale]
    return scale, mixture(context, scale.sizes, learnt=LEARNT, held_out=HELD_OUT)


def whole(context: Context, scale: Scale) -> TextEncoder:
    """The teacher: the model as it is."""
    return Start(name="packaged").load(
        context.model, context.cache, device=context.device, max_length=scale.sizes.max_length
    )


def texts_of_all(mix: Mixture, most: int, *, seed: int = 0) -> list[str]:
    """Distinct train texts of all tasks, at most so many of each; the same ones for the same seed."""
    from accord.core.random import numpy_generator

    found: dict[str, None] = {}
    for name, signal in mix.train.items():
        texts = list(dict.fromkeys(text for column in signal.text_columns for text in signal.column(column)))
        order = numpy_generator(seed, "texts", name).permutation(len(texts))[:most]
        found |= dict.fromkeys(texts[place] for place in np.sort(order))
    return list(found)


def settings_of(cell: Cell, batch: int) -> Settings:
    """Of one training run."""
    from accord.training import AdamW, Settings

    return Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)


def learn(
    student: TextEncoder, teacher: TextEncoder, texts: Sequence[str], objective: nn.Module, cell: Cell, batch: int
) -> Mapping[str, Any]:
    """Distil in place."""
    from accord.recipes.distil.features import distil_features

    result = distil_features(teacher, student, texts, objective=objective, settings=settings_of(cell, batch))
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


def study(context: Context, scale: Scale, mix: Mixture, arms: Sequence[Arm], **shared: Any) -> Study:
    """A study of students."""
    return Study(
        context=context,
        regimes=scale.regimes,
        arms=arms,
        dev=lambda model, _: mean(values(model, mix.dev)),
        test=lambda model, _: values(model, {**mix.own, **mix.held_out}),
        max_length=scale.sizes.max_length,
        shared={"sizes": asdict(scale.sizes), "texts": scale.texts, "data": mix.fingerprints(), **shared},
    )
