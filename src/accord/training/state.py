"""A run as it stands between two steps: model, optimiser, counters; how it steps, is saved, resumed and judged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.random import derive
from accord.core.records import StepRecord
from accord.core.storage import hash_json
from accord.training.averaging import blend
from accord.training.balanced import Balanced, Balancing
from accord.training.base import Model
from accord.training.checkpoints import Checkpoint, latest_checkpoint, save_checkpoint, trained_state
from accord.training.objective_weights import add_to_optimizer, own_copies, restore_weights, weights_of
from accord.training.precision import autocast
from accord.training.processes import Processes
from accord.training.readers import read_task
from accord.training.settings import Settings, TrainingTask
from accord.training.step import Part, Step
from accord.training.teacher import teacher_identity
from accord.training.turns import Turn, make_turns

__all__ = ["Training", "TrainingResult"]

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
        processes: that trained together.
    """

    steps: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    best_step: int | None = None
    best_score: float | None = None
    truncated: dict[str, int] = field(default_factory=dict)
    resumed_from: int = 0
    processes: int = 1


class Training:
    """State of one run: the model, the optimiser, the tasks' data and the order of their batches.

    The order of tasks and rows, and the dropout of a step, are functions of the seed and the step alone; so a run that
    is resumed repeats them exactly, and nothing about them needs to be saved.

    Args:
        model: changed in place.
        tasks: what to learn.
        settings: how.
        run: name in the records.
        processes: that train together.
        keeps: whether there will be checkpoints.
    """

    def __init__(
        self,
        model: Model,
        tasks: Sequence[TrainingTask],
        settings: Settings,
        *,
        run: str,
        processes: Processes,
        keeps: bool,
    ) -> None:
        if not tasks:
            raise InputError("There is no task to train on.")
        if settings.batch < processes.count:
            raise InputError(
                f"`train.batch` is {settings.batch} for {processes.count} processes: it counts the examples of all "
                "processes together, and each needs one. Raise it, or start fewer processes."
            )
        self.model = model
        self.objectives = own_copies([task.objective for task in tasks], model.device)
        self.tasks = [replace(task, objective=one) for task, one in zip(tasks, self.objectives)]
        self.settings = settings
        self.run = run
        self.processes = processes
        self.turns = make_turns(settings, [task.signal for task in tasks], [task.weight for task in tasks])
        self.data = [read_task(t, model, batch=n, seed=settings.seed) for t, n in zip(self.tasks, self.turns.sizes)]
        self.identity = self._identity() if keeps else {}
        self.autocast = autocast(settings.precision, model.device)
        self.optimizer = settings.optimizer.make(model.named_parameters())
        add_to_optimizer(self.optimizer, self.objectives)
        self.balancing = self._balancing()
        self.result = TrainingResult(processes=processes.count)
        self.best: dict[str, Tensor] = {}
        self.mean: dict[str, Tensor] = {}
        self.waited = 0

    def _balancing(self) -> Balancing | None:
        """What balances the tasks, where there are several and the settings ask for it."""
        balance = self.settings.balance
        if balance is None or len(self.tasks) == 1:
            return None
        trained = [p for p in self.model.parameters() if p.requires_grad]
        made = Balancing(balance, trained, len(self.tasks), seed=self.settings.seed, processes=self.processes)
        made.add_to_optimizer(self.optimizer)
        return made

    def _identity(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be of this run."""
        tasks = {t.name: [t.signal.fingerprint(), repr(t.objective), t.weight, t.loss_weight] for t in self.tasks}
        prompts = {t.name: [t.query_prompt, t.document_prompt, t.per_label, t.prompt_dropout] for t in self.tasks}
        drawing = {t.name: [t.classes, t.weights] for t in self.tasks}
        return {
            **self.settings.describe(),
            "checkpoint_every": None,
            "gradient_checkpointing": None,
            "tasks": tasks,
            "prompts": prompts,
            "drawing": drawing,
            "random_negatives": {t.name: t.random_negatives for t in self.tasks},
            "teachers": {t.name: teacher_identity(t.teacher) for t in self.tasks if t.teacher is not None} or None,
            "model": self.model.fingerprint(),
            "processes": self.processes.count,
        }

    def check_processes(self) -> None:
        """See that all processes mean the same run, and that its first step has work for each.

        Raises:
            InputError: another recipe or other files in one of them, or fewer chunks than processes.
        """
        count = self.processes.count
        if count == 1 or self.result.steps >= self.settings.steps:
            return
        rows = {task.name: len(task.signal) for task in self.tasks}
        self.processes.same("what they train", hash_json([self.identity or self.settings.describe(), rows]))
        kinds = [self._parts(kind) for kind in self.turns.kinds()]
        if self.balancing is not None:  # goes back once a task
            kinds = [[part] for parts in kinds for part in parts]
        short = [parts for parts in kinds if self._chunks(parts) < count]
        for parts in short:
            names, tokens = ", ".join(p.data.task.name for p in parts), sum(p.batch.tokens for p in parts)
            told = (
                f"A batch of `{names}` makes {self._chunks(parts)} chunk(s) for {count} processes: some have nothing "
                f"to do. Lower `train.chunk_tokens` (now {self.settings.chunk_tokens}; about "
                f"{max(1, tokens // (2 * count))} fits), raise `train.batch`, or start fewer processes."
            )
            if len(short) == len(kinds) and not self.settings.may_idle:
                raise InputError(told)
            log.warning("%s", told)

    @staticmethod
    def _chunks(parts: Sequence[Part]) -> int:
        return sum(len(part.batch.chunks) for part in parts)

    def _parts(self, turns: Sequence[Turn]) -> list[Part]:
        return [self._part(turn) for turn in turns]

    def _part(self, turn: Turn) -> Part:
        data = self.data[turn.task]
        return Part(data, data.batch(turn.index, self.settings.chunk_tokens), turn.share)

    def _prepare(self, done: int) -> Step:
        """The examples of the step after `done` steps."""
        settings = self.settings
        rate = self._rate(done)
        parts = self._parts(self.turns.at(done))
        where = f"at step {done + 1}. Lower the learning rate (now {rate:.2g})"
        seed = derive(settings.seed, "dropout", done + 1)
        return Step(parts, seed=seed, autocast=self.autocast, where=where)

    def _rate(self, done: int) -> float:
        return self.settings.optimizer.lr * self.settings.schedule.factor(done + 1, self.settings.steps)

    def step(self) -> list[StepRecord]:
        """Train on the next batch.

        Returns:
            One record a task of the batch; the seconds of the step are divided by tokens.

        Raises:
            InputError: the loss is not a finite number.
        """
        begun = time.perf_counter()
        done = self.result.steps
        step = self.processes.together(lambda: self._prepare(done))
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(done) * group.get("factor", 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        devices = [self.model.device] if self.model.device.type == "cuda" else []
        cached = step.tokens > self.settings.cache_above_tokens
        balanced = None
        if self.balancing is not None:
            balanced = self.balancing.backward(step, done + 1, cached=cached, devices=devices)
        else:
            step.backward(self.processes, cached=cached, devices=devices)
            self.processes.sum_gradients(self.model.parameters())
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.optimizer.step()
        seconds = time.perf_counter() - begun
        self.result.steps = done + 1
        self.result.seconds += seconds
        self._average()
        records = [self._record(part, loss, float(norm), seconds, step) for part, loss in zip(step.parts, step.losses)]
        return records if balanced is None else [self._told(balanced, k, record) for k, record in enumerate(records)]

    def _told(self, balanced: Balanced, number: int, record: StepRecord) -> StepRecord:
        """The record of one task, with what balancing made of it."""
        weight = None if balanced.weights is None else balanced.weights[number]
        if balanced.cosines is None:
            return replace(record, weight=weight)
        names = [task.name for task in self.tasks]
        row = {name: cosine for name, cosine in zip(names, balanced.cosines[number]) if name != record.task}
        return replace(record, weight=weight, cosines=row)

    def _average(self) -> None:
        """Take the weights into their running mean; all processes hold the same weights, so none has to ask."""
        rule, done = self.settings.average, self.result.steps
        if rule is not None and (share := rule.share(done, self.settings.steps)):
            blend(self.mean, trained_state(self.model), share)

    def _record(self, part: Part, loss: float, norm: float, seconds: float, step: Step) -> StepRecord:
        name, tokens = part.data.task.name, part.batch.tokens
        self.result.tokens[name] = self.result.tokens.get(name, 0) + tokens
        return StepRecord(
            run=self.run,
            step=self.result.steps,
            task=name,
            loss=loss,
            learning_rate=self._rate(self.result.steps - 1),
            gradient_norm=norm,
            examples=part.batch.examples,
            tokens=tokens,
            seconds=seconds * (tokens / step.tokens if len(step.parts) > 1 else 1.0),
        )

    def save(self, folder: Path) -> None:
        """Write a checkpoint; the leading process does."""
        result = self.result
        progress = {
            "tokens": result.tokens,
            "seconds": result.seconds,
            "best_step": result.best_step,
            "best_score": result.best_score,
            "waited": self.waited,
        }

        def write() -> None:
            if self.processes.leads:
                save_checkpoint(
                    folder,
                    step=result.steps,
                    settings=self.identity,
                    model=self.model,
                    optimizer=self.optimizer,
                    progress=progress,
                    best=self.best,
                    mean=self.mean,
                    objectives=weights_of(self.objectives) | self._balance_tensors(),
                )

        self.processes.together(write)

    def _balance_tensors(self) -> dict[str, Tensor]:
        held = {} if self.balancing is None else self.balancing.tensors()
        return {f"balance/{name}": tensor for name, tensor in held.items()}

    def load(self, folder: Path) -> None:
        """Go on from the newest whole checkpoint in `folder`, if there is one; every process reads it."""
        found = self._find(folder)
        self.processes.same("the checkpoint they find", None if found is None else found.step)
        if found is None:
            return
        found.restore(self.model, self.optimizer)
        restore_weights(self.objectives, found.objectives)
        if self.balancing is not None:
            held = {k.removeprefix("balance/"): t for k, t in found.objectives.items() if k.startswith("balance/")}
            self.balancing.restore(held)
        self.best = found.best
        self.mean = found.mean(self.model.device)
        self.waited = found.progress["waited"]
        for name in ("tokens", "seconds", "best_step", "best_score"):
            setattr(self.result, name, found.progress[name])
        self.result.steps = self.result.resumed_from = found.step
        log.info("%s goes on from step %d.", self.run, found.step)

    def _find(self, folder: Path) -> Checkpoint | None:
        """The leading process looks first: it clears away what killed writers left."""
        first = self.processes.together(
            lambda: latest_checkpoint(folder, self.identity) if self.processes.leads else None
        )
        return self.processes.together(
            lambda: first if self.processes.leads else latest_checkpoint(folder, self.identity)
        )

    def judge(self, score: Callable[[], float]) -> bool:
        """Score the weights as they are, in the leading process; True when it is time to stop."""
        early = self.settings.early_stopping
        if early is None or self.result.steps % early.every:
            return False
        self.model.eval()
        value = self.processes.lead(score)
        self.model.train()
        if self.result.best_score is None or value > self.result.best_score:
            self.result.best_score, self.result.best_step, self.waited = value, self.result.steps, 0
            self.best = {name: t.detach().clone() for name, t in trained_state(self.model).items()}
        else:
            self.waited += 1
        return self.waited >= early.patience
