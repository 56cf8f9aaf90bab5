"""Compare two runs example by example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from accord.core.errors import InputError
from accord.core.records import Comparison, Results
from accord.evaluation import Observed, read_examples
from accord.evaluation import compare as compare_observed
from accord.recipes.run_folder import RunFolder

__all__ = ["compare"]


def compare(
    a: Path | str, b: Path | str, *, model: str | None = None, level: float = 0.95, resamples: int = 2000
) -> list[Comparison]:
    """Paired differences a - b of the primary metrics, on the tasks and examples that both runs have.

    Args:
        a: run folder.
        b: run folder.
        model: whose scores, in both runs; when None, of each run the one that it gives, whatever its strategy.
        level: of the intervals.
        resamples: of bootstrap and permutation.

    Returns:
        One comparison a task, p after Holm.

    Raises:
        InputError: not run folders, no task in common, or test data that differ.
    """
    if Path(a).resolve() == Path(b).resolve():
        raise InputError(f"`a` and `b` are the same run, {a}. Name two different ones.")
    folders = RunFolder(Path(a)), RunFolder(Path(b))
    results = [folder.load_results() for folder in folders]
    models = [model or folder.chosen or "joint" for folder in folders]
    known = [_tasks(found, name) for found, name in zip(results, models)]
    tasks = [name for name in known[0] if name in known[1]]
    if not tasks:
        which = " and ".join(f"`{name}`" for name in dict.fromkeys(models))
        raise InputError(f"{a} and {b} have no task in common for the model {which}.")
    _check_same_tests(results[0].data_hashes, results[1].data_hashes, tasks)
    names = [f"run:{folder.path.name}" for folder in folders]
    if names[0] == names[1]:
        names = [f"run:{folder.path}" for folder in folders]
    observed: list[Observed] = []
    for name, folder, chosen in zip(names, folders, models):
        for task in tasks:
            kept = [one for one in read_examples(folder.examples(task)) if one.model == chosen]
            observed += [replace(one, model=name) for one in kept]
    return compare_observed(observed, [(names[0], names[1])], level=level, resamples=resamples)


def _tasks(results: Results, model: str) -> list[str]:
    return list(dict.fromkeys(row.task for row in results.scores if row.model == model))


def _check_same_tests(a: Mapping[str, str], b: Mapping[str, str], tasks: list[str]) -> None:
    for task in tasks:
        key = f"{task}.test"
        if a.get(key) != b.get(key):
            raise InputError(
                f"The test rows of `{task}` differ between the two runs, so their examples cannot be paired. "
                "Use the same sources, split and seed."
            )
