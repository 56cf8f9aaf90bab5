"""What a merged model comes from: the hashes of its parents, the method with its numbers, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from accord._version import __version__
from accord.core.errors import InputError
from accord.core.storage import hash_file
from accord.encoders.integrity import read_manifest
from accord.maths.shrinkage import SHRUNK
from accord.merging.folder import ModelFolder
from accord.merging.plan import MergePlan

__all__ = ["FORMAT", "hash_parents", "merge_record", "shrinkage_note"]

FORMAT = "accord-merge/1"


def hash_parents(plan: MergePlan, *, threads: int) -> dict[Path, str]:
    """SHA-256 of every weight file of the models.

    Args:
        plan: of the merge.
        threads: at work.

    Raises:
        InputError: a file that is not the one that was saved.
    """
    owners = {file: model for model in _models(plan) for file in _files(model)}
    with ThreadPoolExecutor(threads) as pool:
        digests = dict(zip(owners, pool.map(hash_file, owners)))
    for file, model in owners.items():
        expected = model.saved.get(str(file.relative_to(model.path))) if file.is_relative_to(model.path) else None
        if expected not in {None, digests[file]}:
            raise InputError(
                f"{file} was changed after the model was saved (its SHA-256 differs from accord.json). Restore the "
                "file; if the change is meant, delete accord.json."
            )
    return digests


def merge_record(plan: MergePlan, digests: Mapping[Path, str], measures: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record of a merge, as `accord.json` and the card keep it; folders of this machine are not in it.

    Args:
        plan: of the merge.
        digests: from :func:`hash_parents`, or none.
        measures: from :func:`~accord.merging.measures.describe_measures`.
    """
    note = shrinkage_note(measures)
    use = plan.use
    return {
        "format": FORMAT,
        "version": __version__,
        "method": plan.method,
        "parameters": [dict(row) for row in plan.parameters],
        "seed": use.seed,
        "dtype": use.dtype or "as the models",
        "models": [_parent(model, digests) for model in use.experts],
        "base": None if use.base is None else _parent(use.base, digests),
        "tensors": len(plan.tensors),
        "left_out": dict(plan.left_out),
        "measures": None if measures is None else dict(measures),
        "notes": [*plan.notes, *([note] if note else [])],
    }


def shrinkage_note(measures: Mapping[str, Any] | None) -> str | None:
    """A sentence about a merged change that is much shorter than the models' own."""
    found = None if measures is None else measures["shrinkage"]
    if found is None or found >= SHRUNK:
        return None
    count = len(measures["models"]) if measures else 0
    return (
        f"The merged change is {found:.2f} times as long as the models' own. Changes that have nothing to do with each "
        f"other cancel in a mean (to {count**-0.5:.2f} for {count}); a larger `lambda`, or `normalize: false`, "
        "lengthens it."
    )


def _parent(model: ModelFolder, digests: Mapping[Path, str]) -> dict[str, Any]:
    files = {_short(model, file): digests[file] for file in _files(model) if file in digests}
    fingerprint = (read_manifest(model.path) or {}).get("fingerprint")
    return {
        "name": Path(model.name).name if Path(model.name).is_absolute() else model.name,
        "files": files,
        **({} if fingerprint is None or model.adapter is not None else {"fingerprint": fingerprint}),
    }


def _short(model: ModelFolder, file: Path) -> str:
    return str(file.relative_to(model.path)) if file.is_relative_to(model.path) else file.name


def _files(model: ModelFolder) -> list[Path]:
    """The weight files of a model, of its adapter too."""
    own = {stored.path for part in model.parts for stored in part.weights.values()}
    return sorted(own | ({s.path for s in model.adapter.tensors.values()} if model.adapter else set()))


def _models(plan: MergePlan) -> list[ModelFolder]:
    return [*plan.use.experts, *([] if plan.use.base is None else [plan.use.base])]
