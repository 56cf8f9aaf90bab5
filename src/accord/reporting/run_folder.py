"""What a report reads of a run folder: `results.json`, `steps.jsonl` and `recipe.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from accord.core.errors import DataError, InputError
from accord.core.records import Results, StepRecord
from accord.reporting.steps import read_steps
from accord.reporting.summary import Summary, summarise

__all__ = ["Run", "read_run"]


@dataclass(frozen=True)
class Run:
    """A run folder, read.

    Args:
        folder: as the caller wrote it.
        recipe_text: the resolved recipe word for word, or nothing.
        recipe: the same as a mapping; empty where it cannot be parsed.
    """

    folder: Path
    summary: Summary
    steps: Sequence[StepRecord]
    recipe_text: str
    recipe: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name or self.folder.resolve().name


def read_run(folder: Path | str) -> Run:
    """Read and summarise a run folder.

    Raises:
        InputError: no such folder, or its run has not finished.
        DataError: a file in it cannot be read as what it should be.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder. Give the folder that `accord fit` wrote (its `--out`).")
    file = folder / "results.json"
    if not file.is_file():
        raise InputError(
            f"{folder} holds no `results.json`: its run has not finished. "
            f"Finish it: accord fit {folder / 'recipe.yaml'} --out {folder} --resume"
        )
    try:
        summary = summarise(Results.load(file))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{file} lacks what a results file holds ({error!r}). Run `accord fit` again.") from error
    text = _text(folder / "recipe.yaml")
    return Run(folder, summary, read_steps(folder / "steps.jsonl"), text, _mapping(text))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return value if isinstance(value, dict) else {}
