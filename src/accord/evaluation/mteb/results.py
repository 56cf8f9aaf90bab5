"""mteb's result files: scores by split and subset, one file a task, in a folder a model and revision."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.core.errors import DataError, InputError
from accord.core.storage import read_json, write_json

__all__ = ["PROTOCOL", "MtebResult", "mteb_name", "read_mteb_results", "result_place", "write_mteb_results"]

PROTOCOL = "2.26.24"
"""The release of mteb whose numbers ``against="mteb"`` gives."""

RANKING = {
    "nDCG": "ndcg",
    "MRR": "mrr",
    "MAP": "map",
    "Recall": "recall",
    "Precision": "precision",
    "HitRate": "hit_rate",
}
META = "model_meta.json"
DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class MtebResult:
    """The scores of one model on one split and subset of one task, as mteb writes them.

    Args:
        task: mteb's name of the task.
        main_score: the score that counts; None where mteb had none.
        scores: all numbers, by mteb's names; lists and other notes are left out.
        split: such as "test".
        subset: a language or a part; "default" where there is one only.
        languages: ISO 639-3 codes, each with or without its script.
        mteb_version: whose protocol gave the numbers; None where it was not mteb's.
        revision: of the data.
        model: name of the model, where the folder tells.
        model_revision: its revision, where the folder tells.
        notes: whatever else stands with the scores.
    """

    task: str
    main_score: float | None
    scores: Mapping[str, float] = field(default_factory=dict)
    split: str = "test"
    subset: str = "default"
    languages: Sequence[str] = ("und",)
    mteb_version: str | None = None
    revision: str = "unknown"
    model: str | None = None
    model_revision: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


def mteb_name(metric: str, known: Mapping[str, str]) -> str:
    """A metric's name in mteb's files.

    Args:
        metric: ours.
        known: what a task calls otherwise.

    >>> mteb_name("nDCG@10", {}), mteb_name("weighted_f1", {"weighted_f1": "f1"}), mteb_name("v_measure", {})
    ('ndcg_at_10', 'f1', 'v_measure')
    """
    name, _, cut = metric.partition("@")
    if cut and name in RANKING:
        return f"{RANKING[name]}_at_{cut}"
    return known.get(metric, metric)


def result_place(folder: Path | str, *, model: str, revision: str, task: str) -> Path:
    """Where mteb would put the scores of a task: ``MODEL/REVISION/TASK.json``.

    >>> str(result_place("results", model="org/name", revision="1", task="STS"))
    'results/org__name/1/STS.json'
    """
    name = re.sub(r"[^\w.+-]+", "_", model.strip("/").replace("/", "__"))
    return Path(folder) / name / revision / f"{task}.json"


def write_mteb_results(
    folder: Path | str, results: Sequence[MtebResult], *, model: str, revision: str, seconds: float | None = None
) -> Path:
    """Write the scores of one task in the layout of mteb 2.26, which mteb's own loader reads.

    Args:
        folder: mteb's folder of results.
        results: of one task; one a split and subset.
        model: its name.
        revision: of its weights.
        seconds: that measuring took.

    Returns:
        The file.

    Raises:
        InputError: results of several tasks, or none.
    """
    if not results or len({(one.task, one.revision) for one in results}) > 1:
        raise InputError("A result file of mteb holds one task. Give results of one task and one revision of its data.")
    first = results[0]
    scores: dict[str, list[dict[str, Any]]] = {}
    for one in results:
        numbers = {name: round(value, DIGITS) for name, value in one.scores.items()}
        entry = {
            **numbers,
            **one.notes,
            "main_score": None if one.main_score is None else round(one.main_score, DIGITS),
            "hf_subset": one.subset,
            "languages": list(one.languages),
        }
        if one.mteb_version is not None:
            entry["mteb_version"] = one.mteb_version
        scores.setdefault(one.split, []).append(entry)
    value = {
        "dataset_revision": first.revision,
        "task_name": first.task,
        "mteb_version": first.mteb_version,
        "scores": scores,
        "evaluation_time": seconds,
        "kg_co2_emissions": None,
        "date": None,
        "evaluation_phases": None,
    }
    path = result_place(folder, model=model, revision=revision, task=first.task)
    write_json(path, value)
    write_json(path.parent / META, {"name": model, "revision": revision})
    return path


def read_mteb_results(path: Path | str) -> list[MtebResult]:
    """Read what mteb wrote: one file, or every file below a folder.

    Args:
        path: ``TASK.json``, the folder of a model's revision, or the whole folder of results.

    Returns:
        A result a task, split and subset, in order of the files' names.

    Raises:
        DataError: no such file, or one of another layout.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.json") if file.name != META)
        if not files:
            raise DataError(f"{path} holds no result of mteb (TASK.json).")
        return [one for file in files for one in _read_file(file)]
    if not path.is_file():
        raise DataError(f"{path} does not exist.")
    return _read_file(path)


def _read_file(path: Path) -> list[MtebResult]:
    value, model = _object(path), _object(path.parent / META) if (path.parent / META).is_file() else {}
    if not isinstance(value.get("task_name"), str) or not isinstance(value.get("scores"), dict):
        raise DataError(f"{path} is no result of mteb 1.11 or later: it needs `task_name` and `scores` by split.")
    found = []
    for split, entries in value["scores"].items():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise DataError(f"{path}: `scores.{split}` must be a list with an object for each subset.")
        for entry in entries:
            if "main_score" not in entry or "hf_subset" not in entry:
                raise DataError(f"{path}: an entry of `scores.{split}` lacks `main_score` or `hf_subset`.")
            found.append(_entry(value, model, split, entry))
    return found


def _entry(value: Mapping[str, Any], model: Mapping[str, Any], split: str, entry: Mapping[str, Any]) -> MtebResult:
    own = {"main_score", "hf_subset", "languages", "mteb_version"}
    numbers = {
        name: float(number)
        for name, number in entry.items()
        if name not in own and isinstance(number, (int, float)) and not isinstance(number, bool)
    }
    main = entry["main_score"]
    return MtebResult(
        task=value["task_name"],
        main_score=None if main is None else float(main),
        scores=numbers,
        split=split,
        subset=str(entry["hf_subset"]),
        languages=tuple(entry.get("languages", ())),
        mteb_version=entry.get("mteb_version", value.get("mteb_version")),
        revision=str(value.get("dataset_revision", "unknown")),
        model=model.get("name"),
        model_revision=model.get("revision"),
        notes={name: note for name, note in entry.items() if name not in own and name not in numbers},
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise DataError(f"{path} must hold a JSON object.")
    return value
