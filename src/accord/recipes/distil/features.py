"""Distil what lies below the vectors: a student learns a teacher's token embeddings, layers or relations of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from accord.compression.distil.layer_pairs import even_layers
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.records import StepRecord
from accord.data.signals import Unlabelled
from accord.data.streams import Stream
from accord.encoders.text.transformer import TextEncoder
from accord.objectives import FeatureAlignment
from accord.recipes.distil.epochs import epoch_settings
from accord.training import Settings, TrainingResult, TrainingTask, train

__all__ = ["alignment_for", "distil_features"]


def distil_features(
    teacher: TextEncoder,
    student: TextEncoder,
    texts: Sequence[str] | Unlabelled | Stream,
    *,
    objective: nn.Module | None = None,
    settings: Settings | None = None,
    prompt: str = "",
    on_step: Callable[[StepRecord], None] | None = None,
    progress: Progress = silent,
) -> TrainingResult:
    """Train a student, in place, on a teacher's hidden states of the same tokens.

    Args:
        teacher: a transformer with the student's tokenizer; not trained.
        student: fewer layers, a smaller width, or both.
        texts: any that are like those to come; labels are not needed.
        objective: :class:`~accord.objectives.TokenRelations` or :class:`~accord.objectives.FeatureAlignment`, or your
            own that asks for `tokens` or `hidden`; :func:`alignment_for` the two models when not given.
        settings: of the training; one pass over the texts when not given.
        prompt: put before every text.
        on_step: called with each record.
        progress: opens the bar.

    Returns:
        What the run did.

    Raises:
        InputError: another tokenizer, a model without layers, or fewer than two texts.
    """
    rows = Unlabelled.of({"text": list(texts)}) if not isinstance(texts, (Unlabelled, Stream)) else texts
    if len(rows) < 2:
        raise InputError(f"`texts` must hold at least two. Got {len(rows)}.")
    if objective is None:
        objective = alignment_for(student, teacher)
    task = TrainingTask(name="features", signal=rows, objective=objective, teacher=teacher, query_prompt=prompt)
    return train(
        student,
        [task],
        epoch_settings(len(rows), lr=5e-5) if settings is None else settings,
        run="distil-features",
        on_step=on_step,
        progress=progress,
    )


def alignment_for(student: TextEncoder, teacher: TextEncoder, **weights: Any) -> FeatureAlignment:
    """A :class:`~accord.objectives.FeatureAlignment` with the layers and projections that two models need.

    Args:
        student: to be trained.
        teacher: whose layers are spread evenly over the student's.
        weights: further arguments of it, such as `fusion=64` or `outputs=1.0`.
    """
    depths = student.num_layers, teacher.num_layers
    widths = [int(model.backbone.config.hidden_size) for model in (student, teacher)]
    bridged = widths[0] != widths[1] or bool(weights.get("fusion"))
    layers = [list(pair) for pair in even_layers(*depths)]
    return FeatureAlignment(**{"layers": layers, "projection": widths if bridged else None, **weights})
