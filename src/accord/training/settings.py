"""What a training run is told: frozen, checked once, saved with the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import nn

from accord.core.checks import check_at_least, check_choice, check_fraction, check_positive
from accord.core.errors import InputError
from accord.core.spec import to_spec
from accord.core.types import Encodes, Scores
from accord.data.batches import CLASSES
from accord.data.samplers import Proportional
from accord.data.signals import Signal
from accord.data.streams import Stream
from accord.training.averaging import Averaging
from accord.training.balance.base import Balance
from accord.training.optimizers import AdamW
from accord.training.schedules import Cosine

__all__ = ["EarlyStopping", "Settings", "TrainingTask"]

BATCHES = ("homogeneous", "mixed")
PRECISIONS = ("auto", "float32", "bfloat16")


class Schedule(Protocol):
    """A learning-rate schedule."""

    def factor(self, step: int, steps: int) -> float:
        """Factor for `step`, counted from 1, of `steps`."""
        ...


class Sampler(Protocol):
    """Which task's turn it is."""

    def schedule(self, sizes: Sequence[int], weights: Sequence[float], steps: int, *, seed: int) -> np.ndarray:
        """(steps,) numbers of tasks."""
        ...


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """One task to learn.

    Args:
        name: unique in the run.
        signal: training rows.
        objective: takes what the signal provides.
        weight: share of the steps, relative to the other tasks.
        loss_weight: factor of this task's loss.
        query_prompt: put before queries.
        document_prompt: put before documents.
        per_label: rows of one label that a batch holds together (labelled tasks).
        classes: of labelled tasks: "proportional", or "equal" for every class equally often.
        weights: column of weights; rows come in proportion to them.
        prompt_dropout: share of the texts that go without their prompt, drawn anew for each batch, in [0, 1).
        random_negatives: documents of other queries of its batch that a cross-encoder compares each query with, drawn
            anew for each batch.
        teacher: an encoder or a cross-encoder that gives the `teacher_*` fields; it is not trained.
    """

    name: str
    signal: Signal | Stream
    objective: nn.Module
    weight: float = 1.0
    loss_weight: float = 1.0
    query_prompt: str = ""
    document_prompt: str = ""
    per_label: int = 4
    classes: str = "proportional"
    weights: str | None = None
    prompt_dropout: float = 0.0
    random_negatives: int = 4
    teacher: Encodes | Scores | None = None

    def __post_init__(self) -> None:
        check_positive(f"{self.name}.weight", self.weight)
        check_positive(f"{self.name}.loss_weight", self.loss_weight)
        check_at_least(f"{self.name}.per_label", self.per_label, 2)
        check_choice(f"{self.name}.classes", self.classes, CLASSES)
        check_fraction(f"{self.name}.prompt_dropout", self.prompt_dropout)
        check_at_least(f"{self.name}.random_negatives", self.random_negatives, 0)


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stop when the score on held-out data has not risen for a while, and keep the best weights.

    Args:
        every: steps between scores.
        patience: scores without a rise before stopping.
    """

    every: int = 50
    patience: int = 3

    def __post_init__(self) -> None:
        check_at_least("early_stopping.every", self.every, 1)
        check_at_least("early_stopping.patience", self.patience, 1)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train.

    Args:
        steps: optimiser steps.
        batch: examples a step, in all processes together.
        batches: "homogeneous" takes each step's batch from one task; "mixed" takes a share of it from every task.
        chunk_tokens: padded tokens that go through the encoder at once.
        cache_above_tokens: real tokens of a batch from which on chunks are encoded twice (GradCache) to save memory.
        precision: "auto" computes in bfloat16 where the processor or accelerator has it natively.
        gradient_checkpointing: keep only each layer's input, and compute the layer again on the way back.
        clip: largest norm of the gradient.
        checkpoint_every: steps between checkpoints; the last two are kept.
        balance: how much each task counts for in a step; its batches are mixed ones then. None sums the losses. A run
            of one task has nothing to balance.
        average: the run ends with this mean of its weights, not with the last ones; None keeps the last.
        may_idle: whether a run whose batches make fewer chunks than there are processes is allowed.
    """

    steps: int
    batch: int = 64
    batches: str = "homogeneous"
    chunk_tokens: int = 1024
    cache_above_tokens: int = 65_536
    optimizer: AdamW = field(default_factory=AdamW)
    schedule: Schedule = field(default_factory=Cosine)
    sampler: Sampler = field(default_factory=Proportional)
    precision: str = "auto"
    gradient_checkpointing: bool = False
    clip: float = 1.0
    checkpoint_every: int = 50
    early_stopping: EarlyStopping | None = None
    average: Averaging | None = None
    balance: Balance | None = None
    seed: int = 0
    may_idle: bool = False

    def __post_init__(self) -> None:
        check_at_least("train.steps", self.steps, 1)
        check_at_least("train.batch", self.batch, 2)
        check_at_least("train.chunk_tokens", self.chunk_tokens, 1)
        check_at_least("train.cache_above_tokens", self.cache_above_tokens, 0)
        check_choice("train.batches", self.batches, BATCHES)
        check_choice("train.precision", self.precision, PRECISIONS)
        check_positive("train.clip", self.clip)
        check_at_least("train.checkpoint_every", self.checkpoint_every, 1)
        if self.balance is not None and not isinstance(self.balance, Balance):
            raise InputError(f"`train.balance` must be a way of balancing, such as Aggregated(). Got {self.balance!r}.")
        if self.average is not None and not isinstance(self.average, Averaging):
            raise InputError(f"`train.average` must be Last or EMA. Got {self.average!r} instead.")
        if self.average is not None and self.early_stopping is not None:
            raise InputError(
                "`train.average` and `train.early_stopping` both say which weights a run ends with. Leave one out."
            )

    def describe(self) -> dict[str, object]:
        """All settings as plain values, for the record and to recognise a run that is resumed."""
        return {name: to_spec(getattr(self, name)) for name in self.__dataclass_fields__}
