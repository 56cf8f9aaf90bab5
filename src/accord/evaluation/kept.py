"""Measurements kept on disk, found again by what decides them and never by a name."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa

from accord._version import __version__
from accord.core.environment import environment
from accord.core.errors import AccordError
from accord.core.spec import to_spec
from accord.core.storage import atomic_folder, hash_file, hash_folder, hash_json, read_json, write_json
from accord.data.signals import Signal
from accord.evaluation.measured import Measured
from accord.evaluation.observed import Observed, read_examples, write_examples

__all__ = ["KeptResults", "Question", "question"]

logger = logging.getLogger(__name__)

FORMAT = "accord-measured/1"
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "scikit-learn")
NAME = "examples.parquet"


@dataclass(frozen=True)
class Question:
    """What was asked of whom: everything that decides a measurement.

    Args:
        parts: JSON values.
        key: their hash.
    """

    parts: Mapping[str, Any]
    key: str


def question(
    model: Any,
    evaluation: Any,
    *,
    train: Signal,
    test: Signal,
    seed: int,
    prompts: Sequence[str | None],
    precision: str,
) -> Question | None:
    """The question that an evaluation puts to a model, or None where the model cannot say what it is.

    A model says so by a ``fingerprint()`` over all that decides its outputs (weights, pooling, texts of the prompts,
    maximum length, vocabulary). The train rows count where the evaluation reads them, the code of evaluations, metrics
    and probes always, and so do the machine and the versions of the libraries: bfloat16 differs between processors.

    Args:
        model: what is measured.
        evaluation: a task.
        train: rows that it may learn from.
        test: rows that decide.
        seed: of its draws.
        prompts: names of the prompts in use.
        precision: of encoding.
    """
    say = getattr(model, "fingerprint", None)
    if not callable(say):
        return None
    parts = {
        "model": say(),
        "device": str(getattr(model, "device", "cpu")),
        "prompts": list(prompts),
        "precision": precision,
        "task": to_spec(evaluation),
        "seed": seed,
        "test": test.fingerprint(),
        "train": train.fingerprint() if getattr(evaluation, "learns", True) else None,
        "code": _code(type(evaluation)),
        "versions": _versions(),
    }
    return Question(parts, hash_json(parts))


class KeptResults:
    """A folder of measurements; an entry that is damaged counts as absent.

    Args:
        folder: made when something is kept.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def find(self, asked: Question) -> list[Measured] | None:
        """What was measured for exactly this question, or None."""
        place = self._place(asked)
        if not place.is_dir():
            return None
        try:
            entry = read_json(place / "question.json")
            if entry["format"] != FORMAT or hash_json(entry["question"]) != asked.key:
                raise ValueError("it answers another question")
            if hash_file(place / NAME) != entry["sha256"]:
                raise ValueError("its values changed")
            return [one.measured for one in read_examples(place / NAME)]
        except (AccordError, OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            logger.warning("%s is damaged (%s) and is measured again.", place, error)
            return None

    def keep(self, asked: Question, measured: Sequence[Measured]) -> bool:
        """Write measurements down; False where they could not be read back as they are, or the disk refuses."""
        try:
            with atomic_folder(self._place(asked)) as folder:
                write_examples(folder / NAME, [_observed(one) for one in measured])
                back = [one.measured for one in read_examples(folder / NAME)]
                if [_content(one) for one in back] != [_content(one) for one in measured]:
                    raise _Unreadable
                entry = {"format": FORMAT, "question": asked.parts, "sha256": hash_file(folder / NAME)}
                write_json(folder / "question.json", entry)
        except (_Unreadable, AccordError, OSError) as error:  # a metric of the user's own, or a disk that refuses
            if isinstance(error, OSError):
                logger.warning("%s cannot hold results: %s", self.folder, error.strerror or error)
            return False
        return True

    def _place(self, asked: Question) -> Path:
        return self.folder / asked.key[:2] / asked.key


class _Unreadable(Exception):
    """The written rows do not give the measurement back."""


def _observed(one: Measured) -> Observed:
    return Observed(model="", task="", seed=0, measured=one)


def _content(one: Measured) -> tuple[Any, ...]:
    columns = {name: values.tolist() for name, values in one.columns.items()}
    return one.metric, one.primary, one.ids, one.groups, columns, one.score


@cache
def _code(kind: type) -> str:
    """Hash of the code that decides a measurement: this room, the mathematics below it, and the task's own file."""
    here = Path(__file__).parent
    own = inspect.getsourcefile(kind)
    files = [hash_folder(folder, lambda path: path.suffix == ".py") for folder in (here, here.parent / "maths")]
    return hash_json([__version__, files, hash_file(own) if own else None])


@cache
def _versions() -> dict[str, Any]:
    machine = environment()
    found = {name: machine[name] for name in ("machine", "processor", "accelerator", "python")}
    return found | {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
