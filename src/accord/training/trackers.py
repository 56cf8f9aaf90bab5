"""Training steps as curves in TensorBoard or Weights & Biases: small callables for `on_step`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from accord.core.errors import require
from accord.core.records import StepRecord

__all__ = ["TensorBoard", "Tracked", "WandB"]


class Tracked:
    """Tell several listeners of each step, in order.

    >>> heard = []
    >>> Tracked(heard.append, None)("a record")
    >>> heard
    ['a record']

    Args:
        listeners: callables that take a record; None is left out.
    """

    def __init__(self, *listeners: Callable[[StepRecord], None] | None) -> None:
        self.listeners = [listener for listener in listeners if listener is not None]

    def __call__(self, record: StepRecord) -> None:
        """Pass a step on."""
        for listener in self.listeners:
            listener(record)

    def close(self) -> None:
        """Close those listeners that can be closed."""
        for listener in self.listeners:
            getattr(listener, "close", lambda: None)()


class TensorBoard:
    """Event files that `tensorboard --logdir FOLDER` shows: loss by task, learning rate, gradient norm; a folder a run.

    A resumed run goes on in its folder, and the steps that it repeats replace those that were lost.

    Args:
        folder: where the folders of the runs are made.

    Raises:
        MissingExtra: the package `tensorboard` is not installed.
    """

    def __init__(self, folder: Path | str) -> None:
        require("tensorboard", extra="track", purpose="Tracking with TensorBoard")
        self.folder = Path(folder)
        self._writers: dict[str, Any] = {}

    def __call__(self, record: StepRecord) -> None:
        """Write one step."""
        writer = self._writers.get(record.run)
        if writer is None:
            from torch.utils.tensorboard import SummaryWriter

            place = str(self.folder / _plain(record.run))
            writer = self._writers[record.run] = SummaryWriter(place, purge_step=record.step, flush_secs=5)
        for name, value in _numbers(record).items():
            writer.add_scalar(name, value, global_step=record.step)

    def close(self) -> None:
        """Write what is buffered."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


class WandB:
    """Runs in Weights & Biases: loss by task, learning rate, gradient norm, tokens.

    Args:
        project: name of the project.
        group: put the runs of one job together under this name.
        settings: further values to show beside the runs, such as the recipe.
        mode: "online", "offline" or "disabled"; what the environment says when not given.

    Raises:
        MissingExtra: the package `wandb` is not installed.
    """

    def __init__(
        self, project: str, *, group: str | None = None, settings: dict[str, Any] | None = None, mode: str | None = None
    ) -> None:
        self._wandb: Any = require("wandb", extra="track", purpose="Tracking with Weights & Biases")
        self.project = project
        self.group = group
        self.settings = dict(settings or {})
        self.mode = mode
        self._run: Any = None
        self._name = ""

    def __call__(self, record: StepRecord) -> None:
        """Send one step; a record of another run begins a new one."""
        if self._run is None or self._name != record.run:
            self.close()
            self._name = record.run
            self._run = self._wandb.init(
                project=self.project, name=record.run, group=self.group, config=self.settings, mode=self.mode
            )
        self._run.log({**_numbers(record), "step": record.step})

    def close(self) -> None:
        """Finish the run that is open."""
        if self._run is not None:
            self._run.finish()
        self._run = None


def _numbers(record: StepRecord) -> dict[str, float]:
    """What is drawn of a step, by name."""
    return {
        f"loss/{record.task}": record.loss,
        f"tokens/{record.task}": float(record.tokens),
        "learning_rate": record.learning_rate,
        "gradient_norm": record.gradient_norm,
    } | ({} if record.weight is None else {f"weight/{record.task}": record.weight})


def _plain(run: str) -> str:
    return run.replace(":", "-").replace("@", "-seed-")
