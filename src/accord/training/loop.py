"""The one training loop: a batch of one task a step, the loss of the whole batch, one optimiser step."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.interrupts import Interrupted, deferred_interrupt
from accord.core.progress import Progress, silent
from accord.core.random import derive
from accord.core.records import StepRecord
from accord.encoders.text.transformer import TextEncoder
from accord.training.base import PreparedBatch
from accord.training.checkpoints import latest_checkpoint, save_checkpoint
from accord.training.memory.chunked import full_graph, grad_cache
from accord.training.precision import autocast
from accord.training.readers import read_task
from accord.training.settings import Settings, TrainingTask

__all__ = ["Training", "TrainingResult", "train"]

log = logging.getLogger(__name__)


@dataclass
class TrainingResult:
    """What a run did.

    Args:
        steps: optimiser steps, those before a resume included.
        tokens: real tokens through the encoder, by task.
        seconds: wall-clock time of the steps.
        best_step: whose weights were kept, under early stopping.
        best_score: their score.
        truncated: texts cut to the maximum length, by task.
        resumed_from: step of the checkpoint that the run went on from, 0 for none.
    """

    steps: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    best_step: int | None = None
    best_score: float | None = None
    truncated: dict[str, int] = field(default_factory=dict)
    resumed_from: int = 0


class Training:
    """State of one run: the model, the optimiser, the tokenised tasks and the order of their batches.

    The order of tasks and rows, and the dropout of a step, are functions of the seed and the step alone; so a run that
    is resumed repeats them exactly, and nothing about them needs to be saved.
    """

    def __init__(
        self, encoder: TextEncoder, tasks: Sequence[TrainingTask], settings: Settings, *, run: str, keeps: bool
    ) -> None:
        if not tasks:
            raise InputError("There is no task to train on.")
        self.encoder = encoder
        self.tasks = tasks
        self.settings = settings
        self.run = run
        self.data = [read_task(task, encoder, batch=settings.batch, seed=settings.seed) for task in tasks]
        self.identity = self._identity() if keeps else {}
        sizes, weights = [len(task.signal) for task in tasks], [task.weight for task in tasks]
        self.order: np.ndarray = settings.sampler.schedule(sizes, weights, settings.steps, seed=settings.seed)
        self.autocast = autocast(settings.precision, encoder.device)
        self.optimizer = settings.optimizer.make(encoder.named_parameters())
        self.result = TrainingResult(truncated={one.task.name: one.truncated for one in self.data})
        self.best: dict[str, Tensor] = {}
        self.waited = 0

    def _identity(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be of this run."""
        tasks = {t.name: [t.signal.fingerprint(), repr(t.objective), t.weight, t.loss_weight] for t in self.tasks}
        prompts = {t.name: [t.query_prompt, t.document_prompt, t.per_label] for t in self.tasks}
        return {
            **self.settings.describe(),
            "checkpoint_every": None,
            "tasks": tasks,
            "prompts": prompts,
            "model": self.encoder.fingerprint(),
        }

    def step(self) -> StepRecord:
        """Train on the next batch.

        Raises:
            InputError: the loss is not a finite number.
        """
        begun = time.perf_counter()
        done = self.result.steps
        number = int(self.order[done])
        turn = int((self.order[:done] == number).sum())
        task = self.tasks[number]
        batch = self.data[number].batch(turn, self.settings.chunk_tokens)
        rate = self.settings.optimizer.lr * self.settings.schedule.factor(done + 1, self.settings.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(number, batch, derive(self.settings.seed, "dropout", done + 1))
        if not math.isfinite(loss):
            raise InputError(
                f"The loss of task `{task.name}` is {loss} at step {done + 1}. Lower the learning rate "
                f"(now {rate:.2g}), or raise the temperature of {type(task.objective).__name__}."
            )
        norm = torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), self.settings.clip)
        self.optimizer.step()
        seconds = time.perf_counter() - begun
        self.result.steps = done + 1
        self.result.seconds += seconds
        self.result.tokens[task.name] = self.result.tokens.get(task.name, 0) + batch.tokens
        return StepRecord(
            run=self.run,
            step=done + 1,
            task=task.name,
            loss=loss,
            learning_rate=rate,
            gradient_norm=float(norm),
            examples=batch.examples,
            tokens=batch.tokens,
            seconds=seconds,
        )

    def _backward(self, number: int, batch: PreparedBatch, seed: int) -> float:
        """Loss of the batch before the task's weight; its weighted gradients are added to the parameters."""
        task, data = self.tasks[number], self.data[number]

        def forward(chunk: int) -> Tensor:
            torch.manual_seed(derive(seed, chunk))
            with self.autocast():
                outputs = data.forward(batch.chunks[chunk])
            return outputs.float()

        def loss(outputs: Tensor) -> Tensor:
            return task.loss_weight * task.objective(**data.fields(batch, outputs))

        backward = grad_cache if batch.tokens > self.settings.cache_above_tokens else full_graph
        device = self.encoder.device
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            value = backward(forward, len(batch.chunks), loss)
        return float(value) / task.loss_weight

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        result = self.result
        progress = {
            "tokens": result.tokens,
            "seconds": result.seconds,
            "best_step": result.best_step,
            "best_score": result.best_score,
            "waited": self.waited,
        }
        save_checkpoint(
            folder,
            step=result.steps,
            settings=self.identity,
            model=self.encoder,
            optimizer=self.optimizer,
            progress=progress,
            best=self.best,
        )

    def load(self, folder: Path) -> None:
        """Go on from the newest whole checkpoint in `folder`, if there is one."""
        found = latest_checkpoint(folder, self.identity)
        if found is None:
            return
        found.restore(self.encoder, self.optimizer)
        self.best = found.best
        self.waited = found.progress["waited"]
        for name in ("tokens", "seconds", "best_step", "best_score"):
            setattr(self.result, name, found.progress[name])
        self.result.steps = self.result.resumed_from = found.step
        log.info("%s goes on from step %d.", self.run, found.step)

    def judge(self, score: Callable[[], float]) -> bool:
        """Score the weights as they are; True when it is time to stop."""
        early = self.settings.early_stopping
        if early is None or self.result.steps % early.every:
            return False
        self.encoder.eval()
        value = score()
        self.encoder.train()
        if self.result.best_score is None or value > self.result.best_score:
            self.result.best_score, self.result.best_step, self.waited = value, self.result.steps, 0
            self.best = {name: t.detach().clone() for name, t in self.encoder.state_dict().items()}
        else:
            self.waited += 1
        return self.waited >= early.patience


def train(
    encoder: TextEncoder,
    tasks: Sequence[TrainingTask],
    settings: Settings,
    *,
    run: str = "train",
    checkpoints: Path | None = None,
    resume: bool = False,
    on_step: Callable[[StepRecord], None] | None = None,
    score: Callable[[], float] | None = None,
    progress: Progress = silent,
) -> TrainingResult:
    """Train `encoder` in place on all tasks, one task a batch.

    Args:
        encoder: changed in place; left in evaluation mode.
        tasks: what to learn.
        settings: how.
        run: name in the records.
        checkpoints: folder for this run's checkpoints; None keeps none.
        resume: go on from the newest whole checkpoint there. On the same machine with as many threads the weights come
            out bit for bit as without the stop.
        on_step: called with each :class:`~accord.core.records.StepRecord`.
        score: higher is better, on held-out data; read by early stopping.
        progress: opens the bar.

    Returns:
        What the run did.

    Raises:
        InputError: a task that its objective cannot use, a batch without negatives, a loss that is not finite.
        Interrupted: on Ctrl-C, after a checkpoint has been written.
    """
    training = Training(encoder, tasks, settings, run=run, keeps=checkpoints is not None)
    if resume and checkpoints is not None:
        training.load(checkpoints)
    encoder.train()
    try:
        with deferred_interrupt() as interrupted, progress(run, total=settings.steps, unit="steps") as advance:
            advance(training.result.steps)
            _run(training, interrupted, advance, checkpoints=checkpoints, on_step=on_step, score=score)
    finally:
        encoder.eval()
    if training.best:
        encoder.load_state_dict(training.best)
    return training.result


def _run(
    training: Training,
    interrupted: Callable[[], bool],
    advance: Callable[[int], None],
    *,
    checkpoints: Path | None,
    on_step: Callable[[StepRecord], None] | None,
    score: Callable[[], float] | None,
) -> None:
    settings, result = training.settings, training.result
    early = settings.early_stopping
    while result.steps < settings.steps and not (early and training.waited >= early.patience):
        record = training.step()
        if on_step is not None:
            on_step(record)
        advance(1)
        stop = score is not None and training.judge(score)
        due = result.steps % settings.checkpoint_every == 0 or interrupted() or stop
        if checkpoints is not None and due and result.steps < settings.steps:
            training.save(checkpoints)
        if interrupted() and result.steps < settings.steps:
            kept = "A checkpoint holds everything up to it" if checkpoints is not None else "Nothing was saved"
            raise Interrupted(f"Stopped after step {result.steps} of {settings.steps} of {training.run}. {kept}.")
        if stop:
            log.info("%s stops at step %d: no rise since step %s.", training.run, result.steps, result.best_step)
            return
