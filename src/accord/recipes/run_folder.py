"""The files of a run: where they lie, and the log of steps."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from accord.core.errors import InputError
from accord.core.records import Results, StepRecord
from accord.core.storage import atomic_file, read_json, storage_errors, write_json

__all__ = ["RunFolder", "StepLog"]


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Names inside a run folder."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def results(self) -> Path:
        """Scores and comparisons."""
        return self.path / "results.json"

    @property
    def steps(self) -> Path:
        """One line a training step."""
        return self.path / "steps.jsonl"

    @property
    def model(self) -> Path:
        """The finished encoder."""
        return self.path / "model"

    @property
    def index(self) -> Path:
        """The store."""
        return self.path / "index"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    @property
    def choice(self) -> Path:
        """Which model the run gives, and why; a run that gives the joint one need not have it."""
        return self.path / "choice.json"

    @property
    def decision(self) -> dict[str, Any]:
        """What is written down of the choice: at least `given`, the recipe's strategy, and `chosen`."""
        return read_json(self.choice) if self.choice.is_file() else {"given": "joint", "chosen": "joint"}

    @property
    def chosen(self) -> str | None:
        """Name of the model that the run gives; None while nothing is chosen yet."""
        return self.decision["chosen"]

    def choose(self, record: Mapping[str, Any]) -> None:
        """Write down which model the run gives, and put that model where the run's own lies.

        Args:
            record: `given`, the recipe's strategy; `chosen`, the name or None for not yet; what else is known.
        """
        write_json(self.choice, dict(record))
        self.settle()

    def settle(self) -> None:
        """Move the chosen model, where it was trained before it was chosen, to where the run's own lies."""
        chosen = self.chosen
        if chosen is not None and not self.model.exists() and (place := self._beside(chosen)).is_dir():
            place.rename(self.model)

    def trained(self, run: str) -> Path:
        """Where the encoder of a training run is saved: the chosen one of the first seed is the run's own model."""
        return self.model if run == self.chosen else self._beside(run)

    def _beside(self, run: str) -> Path:
        return self.path / "models" / file_name(run)

    def outcome(self, run: str) -> Path:
        """What the training of an encoder took."""
        return self.path / "models" / f"{file_name(run)}.json"

    def adapter(self, run: str) -> Path:
        """Where the adapter of a training run is saved, when it trained one: as it was before it was folded."""
        return self.path / "adapters" / file_name(run)

    def checkpoints(self, run: str) -> Path:
        """Checkpoints of a training run."""
        return self.path / "checkpoints" / file_name(run)

    def examples(self, task: str) -> Path:
        """Per-example values of a task."""
        return self.path / "examples" / f"{task}.parquet"

    def load_results(self) -> Results:
        """What the run measured.

        Raises:
            InputError: not a finished run.
        """
        if not self.results.is_file():
            raise InputError(
                f"{self.path} holds no results.json: it is not a run folder, or its run has not finished "
                "(go on with `accord fit RECIPE --out DIR --resume`)."
            )
        return Results.load(self.results)


def file_name(run: str) -> str:
    """A run's name as a file name.

    >>> file_name("single:code-search"), file_name("joint@1")
    ('single-code-search', 'joint-seed-1')
    """
    return run.replace(":", "-").replace("@", "-seed-")


class StepLog:
    """Appends step records to `steps.jsonl`, each line flushed; forgets the steps that a resumed run repeats.

    Args:
        path: of the file.
        tell: also called with each record.
    """

    def __init__(self, path: Path, tell: Callable[[StepRecord], None] | None = None) -> None:
        self.path = path
        self.tell = tell
        self.begun: set[str] = set()

    def forget(self, run: str, *, after: int) -> None:
        """Drop the lines of `run` past step `after`, and a line that a crash cut in half."""
        if not self.path.is_file():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if record["run"] != run or record["step"] <= after:
                kept.append(line)
        with atomic_file(self.path, "w") as handle:
            handle.writelines(f"{line}\n" for line in kept)

    def __call__(self, record: StepRecord) -> None:
        """Write one step."""
        if record.run not in self.begun:
            self.begun.add(record.run)
            self.forget(record.run, after=record.step - 1)
        with storage_errors(self.path), self.path.open("a", encoding="utf-8") as handle:
            told = {name: value for name, value in dataclasses.asdict(record).items() if value is not None}
            handle.write(json.dumps(told) + "\n")
        if self.tell is not None:
            self.tell(record)
