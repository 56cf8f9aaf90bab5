"""What was measured, as files that mteb and its leaderboards read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord._version import __version__
from accord.evaluation import Measured, interval
from accord.evaluation.measured import Measurement
from accord.evaluation.mteb import PROTOCOL, MtebResult, mteb_name, write_mteb_results

if TYPE_CHECKING:
    from accord.recipes.prepare import Prepared

__all__ = ["write_mteb"]


def write_mteb(
    folder: Path | str, name: str, model: Any, found: Sequence[Measurement], prepared: Prepared
) -> list[Path]:
    """Write the scores of one model, a file a task and evaluation.

    The first evaluation of a task is written under the task's name, further ones under ``TASK-Evaluation``. The release
    of mteb stands in a file only where mteb's protocol was followed. Our intervals stand beside the scores.

    Args:
        folder: of mteb's results.
        name: of the model.
        model: whose fingerprint becomes the revision.
        found: what was measured on the test rows.
        prepared: the data, whose hashes become the revision of a task's data.

    Returns:
        The files.
    """
    say = getattr(model, "fingerprint", None)
    revision = str(say())[:16] if callable(say) else "no_revision_available"
    rules = prepared.recipe.spec.evaluate
    seen: set[str] = set()
    paths = []
    for one in found:
        task = f"{one.task}-{type(one.evaluation).__name__}" if one.task in seen else one.task
        seen.add(one.task)
        result = MtebResult(
            task=task,
            main_score=one.measured[0].score,
            scores={_name(m, one.evaluation): m.score for m in one.measured},
            mteb_version=PROTOCOL if getattr(one.evaluation, "against", None) else None,
            revision=prepared.tasks[one.task].test.fingerprint()[:16],
            notes={
                "main_metric": _name(one.measured[0], one.evaluation),
                "examples": len(one.measured[0]),
                "level": rules.level,
                "intervals": _intervals(name, one, level=rules.level, resamples=rules.resamples),
                "evaluated_by": f"accord {__version__}",
            },
        )
        paths.append(write_mteb_results(folder, [result], model=name, revision=revision, seconds=one.seconds))
    return paths


def _name(measured: Measured, evaluation: Any) -> str:
    return mteb_name(measured.metric, getattr(evaluation, "mteb_names", {}))


def _intervals(name: str, one: Measurement, *, level: float, resamples: int) -> Mapping[str, list[float]]:
    return {
        _name(m, one.evaluation): list(interval(m, level=level, resamples=resamples, key=(one.task, m.metric, name)))
        for m in one.measured
    }
