"""The one training loop: step, tell, judge, save, until done or interrupted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from accord.core.interrupts import Interrupted, deferred_interrupt
from accord.core.progress import Progress, silent
from accord.core.records import StepRecord
from accord.training.base import Model
from accord.training.memory.recompute import recomputed
from accord.training.processes import join
from accord.training.settings import Settings, TrainingTask
from accord.training.state import Training, TrainingResult

__all__ = ["Training", "TrainingResult", "train"]

log = logging.getLogger(__name__)


def train(
    encoder: Model,
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
    """Train `encoder` in place on all tasks.

    Started by torchrun or `accord fit --processes`, the processes share each batch; the leading one writes, scores and
    calls back, and all hold the trained weights at the end.

    Args:
        encoder: changed in place; left in evaluation mode.
        tasks: what to learn.
        settings: how.
        run: name in the records.
        checkpoints: folder for this run's checkpoints; None keeps none.
        resume: go on from the newest whole checkpoint there. On the same machine with as many threads and processes the
            weights come out bit for bit as without the stop.
        on_step: called with each :class:`~accord.core.records.StepRecord`: one a step, or one a task and step where
            batches are mixed.
        score: higher is better, on held-out data; read by early stopping.
        progress: opens the bar.

    Returns:
        What the run did.

    Raises:
        InputError: a task that its objective cannot use, a batch without negatives, a loss that is not finite, a
            checkpoint of other settings or of another number of processes.
        Interrupted: on Ctrl-C, after a checkpoint has been written.
    """
    processes = join()
    keeps = checkpoints is not None
    processes.copy_weights([encoder, *(task.objective for task in tasks)])
    training = processes.together(lambda: Training(encoder, tasks, settings, run=run, processes=processes, keeps=keeps))
    if resume and checkpoints is not None:
        training.load(checkpoints)
    training.check_processes()
    encoder.train()
    try:
        shown = progress if processes.leads else silent
        with (
            recomputed(encoder, settings.gradient_checkpointing),
            deferred_interrupt() as interrupted,
            shown(run, total=settings.steps, unit="steps") as advance,
        ):
            advance(training.result.steps)
            _run(training, interrupted, advance, checkpoints=checkpoints, on_step=on_step, score=score)
    finally:
        encoder.eval()
    if kept := training.best or training.mean:
        encoder.load_state_dict({**encoder.state_dict(), **kept})
    training.result.truncated = {one.task.name: one.truncated for one in training.data}
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
    settings, result, processes = training.settings, training.result, training.processes
    early = settings.early_stopping
    while result.steps < settings.steps and not (early and training.waited >= early.patience):
        _tell(training.step(), training, on_step)
        advance(1)
        stop = score is not None and training.judge(score)
        asked = processes.any(interrupted())
        due = result.steps % settings.checkpoint_every == 0 or asked or stop
        if checkpoints is not None and due and result.steps < settings.steps:
            training.save(checkpoints)
        if asked and result.steps < settings.steps:
            kept = "A checkpoint holds everything up to it" if checkpoints is not None else "Nothing was saved"
            raise Interrupted(f"Stopped after step {result.steps} of {settings.steps} of {training.run}. {kept}.")
        if stop:
            log.info("%s stops at step %d: no rise since step %s.", training.run, result.steps, result.best_step)
            return


def _tell(records: Sequence[StepRecord], training: Training, on_step: Callable[[StepRecord], None] | None) -> None:
    """Call back with the records, in the leading process."""
    if on_step is None:
        return

    def tell() -> None:
        for record in records if training.processes.leads else ():
            on_step(record)

    training.processes.together(tell)
