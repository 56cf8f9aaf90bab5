"""`accord.merge`: a merge file in, a model folder out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.storage import nearest_folder
from accord.merging.config import MergeSpec, parse_merge, read_merge
from accord.merging.documents import Document, as_given, finals, plan_document, plan_documents, read_documents
from accord.merging.folder import ModelFolder, read_model
from accord.merging.folders import carry_out
from accord.merging.layout import check_place
from accord.merging.plan import MergePlan
from accord.merging.threads import workers

if TYPE_CHECKING:
    from accord.recipes.merge.probe_rows import ProbeRows

__all__ = ["Merge", "MergeFile", "merge", "plan_merge", "read_merge_documents"]

MergeFile = Path | str | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A path, or what the file would hold."""


@dataclass(frozen=True)
class Merge:
    """A finished merge.

    Args:
        path: the folder; of several results the one that holds them.
        records: of each document in turn: method, parameters, the models with their hashes, and measures.
        models: folders of the results.
    """

    path: Path
    records: Sequence[Mapping[str, Any]] = field(repr=False)
    models: Sequence[Path] = ()


def merge(
    config: MergeFile,
    out: Path | str,
    *,
    load: bool = True,
    hashes: bool = True,
    root: Path | str | None = None,
    progress: Progress = silent,
) -> Merge:
    """Merge models as a merge file says.

    The file is mergekit's YAML, as far as it means something for encoders; see :mod:`accord.merging.config`. All
    documents are checked before any weight is read. A document may name the results of earlier ones; what no other
    document takes up is kept, in `out` itself or, when there are several, in folders of their names inside.

    Args:
        config: path of the file, or its content as a mapping or a list of them.
        out: the folder to write; it appears whole or not at all.
        load: load each result once, to store the vectors of the probe texts for `accord doctor`.
        hashes: keep the SHA-256 of the models' weights, and check it where accord saved them.
        root: where relative paths start; the file's folder, or the working folder.
        progress: opens bars.

    Returns:
        What was written, with the record of each merge.

    Raises:
        InputError: anything in the file or the models that would stop a merge.
        ModelError: a missing, damaged or unsupported file.
        StorageError: the disk is full or refuses.
    """
    documents = read_merge_documents(config, root)
    plans = plan_documents(documents)
    last = finals(documents)
    out = Path(out)
    for plan in plans:
        check_place(out, plan)
    rows = _read_probes(documents, progress)
    between = Path(tempfile.mkdtemp(prefix=".partial-merge-", dir=nearest_folder(out.parent)))
    try:
        made: dict[str, ModelFolder] = {}
        records, models = [], []
        for number, document in enumerate(documents):
            final = document in last
            place = _place(document, number, out=out, between=between, final=final, alone=len(last) == 1)
            probe = rows.get(number)
            write = partial(carry_out, out=place, load=load and final, hashes=hashes, progress=progress)
            planned = plans[number] if probe is None and not made.keys() & set(document.inputs) else None
            records.append(_run(document, made, write, planned, probe=probe, progress=progress))
            models += [out if len(last) == 1 else out / str(document.spec.name)] if final else []
            if document.spec.name is not None:
                made[document.spec.name] = replace(read_model(place), name=document.spec.name)
        if len(last) > 1:
            _move_together(last, between, out)
        return Merge(out, records, models)
    finally:
        shutil.rmtree(between, ignore_errors=True)


def plan_merge(config: MergeFile, *, root: Path | str | None = None) -> list[dict[str, Any]]:
    """What :func:`merge` would do: every check that needs no weights, and sizes.

    Args:
        config: as for :func:`merge`.
        root: as for :func:`merge`.

    Returns:
        For each document `{name, method, models, base, kind, dtype, seed, tensors, numbers, bytes_read, bytes_written,
        memory, parameters, left_out, notes}`.

    Raises:
        InputError: as :func:`merge` would.
    """
    documents = read_merge_documents(config, root)
    plans: list[MergePlan] = plan_documents(documents)
    finals(documents)
    _read_probes(documents, silent)
    return [plan.describe(workers()) for plan in plans]


def read_merge_documents(config: MergeFile, root: Path | str | None = None) -> list[Document]:
    """The documents of a merge file, sorted out; no model is read.

    Args:
        config: path of the file, or its content as a mapping or a list of them.
        root: where relative paths start; the file's folder, or the working folder.

    Raises:
        InputError: unknown keys or methods, a missing base or probe.
    """
    if isinstance(config, (str, Path)):
        specs: list[MergeSpec] = read_merge(config)
        return read_documents(specs, root=Path(root or Path(config).absolute().parent), where=str(config))
    values = [config] if isinstance(config, Mapping) else list(config)
    return read_documents(parse_merge(values, origin="merge"), root=Path(root or Path.cwd()), where="merge")


def _read_probes(documents: Sequence[Document], progress: Progress) -> dict[int, ProbeRows]:
    """The rows that learning methods look at, by the numbers of their documents; read and checked before any model."""
    found = {}
    for number, document in enumerate(documents):
        if document.learns:
            from accord.recipes.merge.probe_rows import read_probe

            _learner(document)
            assert document.spec.probe is not None, "documents have been checked"
            try:
                found[number] = read_probe(document.spec.probe, root=document.root, progress=progress)
            except InputError as error:
                raise InputError(f"{document.where}: probe: {error}") from error
    return found


def _learner(document: Document) -> Any:
    """The learning method, with the numbers of the document."""
    from accord.recipes.merge.learned import learned_method

    if document.spec.scope is not None:
        raise InputError(f"{document.where}: `{document.spec.merge_method}` has no choice of `scope`. Leave it out.")
    arguments = dict(document.spec.common)
    own = [entry.parameters for entry in document.entries]
    if any(own):
        for name in sorted({name for given in own for name in given}):
            if name != "weight" or not all("weight" in given for given in own):
                raise InputError(
                    f"{document.where}: `{document.spec.merge_method}` has no `{name}` for single models. Put it under "
                    "the document's own `parameters`."
                )
        arguments["weight"] = [given["weight"] for given in own]
    return learned_method(document.spec.merge_method, arguments, where=document.where)


def _run(
    document: Document,
    made: Mapping[str, ModelFolder],
    write: Callable[..., dict[str, Any]],
    planned: MergePlan | None,
    *,
    probe: ProbeRows | None,
    progress: Progress,
) -> dict[str, Any]:
    further: dict[str, Any] = {"document": as_given(document)}
    if probe is None:
        return write(planned or plan_document(document, made), further=further)
    from accord.recipes.merge.learned import learn_folders

    spec = document.spec
    assert spec.base is not None, "documents have been checked"
    found = learn_folders(
        _learner(document),
        [_path(entry.model, made) for entry in document.entries],
        base=_path(spec.base, made),
        probe=probe,
        tasks=[entry.task for entry in document.entries],
        prompts=spec.prompts,
        root=document.root,
        progress=progress,
    )
    plan = plan_document(document, made, learned=found.method)
    return write(plan, further={**further, "learned": found.summary()})


def _path(name: str, made: Mapping[str, ModelFolder]) -> Path | str:
    return made[name].path if name in made else name


def _place(document: Document, number: int, *, out: Path, between: Path, final: bool, alone: bool) -> Path:
    if final and alone:
        return out
    return between / (f"final-{document.spec.name}" if final else f"between-{number}")


def _move_together(last: Sequence[Document], between: Path, out: Path) -> None:
    """Several results appear at once."""
    out.parent.mkdir(parents=True, exist_ok=True)
    whole = between / "whole"
    whole.mkdir()
    for document in last:
        (between / f"final-{document.spec.name}").rename(whole / str(document.spec.name))
    if out.exists():
        out.rename(between / "older")
    whole.rename(out)
