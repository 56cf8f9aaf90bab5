"""Model folders in, one model folder out: streamed, and whole or not there at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from accord._version import __version__
from accord.core.errors import ModelError
from accord.core.progress import Progress, silent
from accord.core.spec import parameters
from accord.core.storage import atomic_folder, hash_folder, write_json
from accord.encoders import folders as encoder_folders
from accord.encoders.card import write_card
from accord.encoders.integrity import MANIFEST, MODEL_FORMAT
from accord.encoders.pairs import folders as pair_folders
from accord.encoders.pairs.saving import write_pair_manifest
from accord.encoders.saving import write_manifest
from accord.merging.base import MergeMethod
from accord.merging.chosen import yaml_name
from accord.merging.execute import execute
from accord.merging.folder import read_model
from accord.merging.layout import check_place, copy_settings
from accord.merging.measures import describe_measures
from accord.merging.plan import MergePlan, Use, plan_merge
from accord.merging.provenance import hash_parents, merge_record, shrinkage_note
from accord.merging.threads import workers
from accord.merging.writer import WeightsWriter

__all__ = ["carry_out", "merge_folders"]

logger = logging.getLogger(__name__)


def merge_folders(
    method: MergeMethod,
    models: Sequence[Path | str],
    *,
    base: Path | str | None = None,
    out: Path | str,
    dtype: Literal["float32", "float16", "bfloat16"] | None = None,
    seed: int = 0,
    prompts: Literal["equal", "union"] = "equal",
    load: bool = True,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Merge model folders into one.

    Everything that can be known from configurations and the heads of weight files is checked before any weight is read:
    architecture, shapes, tokenizer, pooling, modules, prompts, similarity and length must be the same in all models.
    The result has the settings of the first one. Arithmetic is in float32. Memory is needed for a few pieces of
    tensors, not for models, unless `load` asks for the result.

    Args:
        method: how.
        models: folders of sentence-transformers or plain transformers, run folders, ``package:MODULE``, hub names;
            ``MODEL+ADAPTER`` is a model with a low-rank adapter.
        base: what they come from.
        out: the folder to write; it appears whole or not at all, and may replace a model.
        dtype: of the result; as the models when not given.
        seed: of what the method draws.
        prompts: "union" accepts prompts that only some models have.
        load: load the result once, which shows that it can be, and store the vectors of the probe texts for
            `accord doctor`.
        progress: opens the bar.

    Returns:
        The record of the merge, as `accord.json` keeps it: method, parameters, hashes of the models, and measures (how
        long the models' changes are, how they point, and how long the merged one is).

    Raises:
        InputError: models that do not fit each other, a missing base, NaN or infinity in a tensor.
        ModelError: a missing, damaged or unsupported file.
        StorageError: the disk is full or refuses.
    """
    use = Use(
        experts=[read_model(model) for model in models],
        base=None if base is None else read_model(base),
        seed=seed,
        dtype=dtype,
        prompts=prompts,
    )
    rows = [
        {"parameter": yaml_name(name), "value": _plain(getattr(method, name)), "given": True}
        for name in parameters(type(method))
        if name != "statistics"
    ]
    return carry_out(plan_merge(use, method, parameters=rows), Path(out), load=load, progress=progress)


def carry_out(
    plan: MergePlan,
    out: Path,
    *,
    load: bool = True,
    hashes: bool = True,
    further: dict[str, Any] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Merge as planned.

    Args:
        plan: passed every check.
        out: the folder to write.
        load: as for :func:`merge_folders`.
        hashes: keep the SHA-256 of the models' weights, and check it where accord saved them; takes longer than a mean.
        further: what else the record is to keep.
        progress: opens the bar.

    Returns:
        The record, with the seconds that the parts took.

    Raises:
        InputError: see :func:`merge_folders`.
    """
    check_place(out, plan)
    for note in plan.notes:
        logger.warning("%s", note)
    with atomic_folder(out) as folder:
        begun = time.perf_counter()
        copy_settings(plan, folder)
        measures = _write_weights(plan, folder, progress)
        merged = time.perf_counter()
        digests = hash_parents(plan, threads=workers()) if hashes else {}
        record = {**merge_record(plan, digests, measures), **(further or {})}
        hashed = time.perf_counter()
        _write_manifest(plan, folder, record, load=load, hashes=hashes)
        seconds = {"merge": merged - begun, "hash": hashed - merged, "load": time.perf_counter() - hashed}
    note = shrinkage_note(measures)
    if note is not None:
        logger.warning("%s", note)
    return {**record, "seconds": {name: round(value, 3) for name, value in seconds.items()}}


def _write_weights(plan: MergePlan, folder: Path, progress: Progress) -> dict[str, Any] | None:
    inside: dict[str, dict[str, tuple[str, Sequence[int]]]] = {}
    owner = {tensor.name: plan.like.file_of(tensor.name) for tensor in plan.tensors}
    for tensor in plan.tensors:
        part, name = owner[tensor.name]
        inside.setdefault(part, {})[name] = (tensor.dtype, tensor.shape)
    with ExitStack() as stack:
        writers = {
            part: stack.enter_context(WeightsWriter(folder / part / "model.safetensors", tensors))
            for part, tensors in inside.items()
        }
        places = {name: (writers[part], inner) for name, (part, inner) in owner.items()}
        sums = execute(plan, places, progress=progress)
    if sums is None:
        return None
    rounded = any(stored.dtype in {"F16", "BF16"} for tensor in plan.tensors for stored in tensor.experts)
    return describe_measures(sums, [expert.name for expert in plan.use.experts], rounded=rounded)


def _write_manifest(plan: MergePlan, folder: Path, record: dict[str, Any], *, load: bool, hashes: bool) -> None:
    metadata = {"merge": record}
    if not load:
        files = hash_folder(folder, keep=lambda path: path.name != "README.md") if hashes else {}
        write_json(folder / MANIFEST, {
            "format": MODEL_FORMAT, **({"kind": "cross-encoder"} if plan.like.kind == "cross-encoder" else {}),
            "version": __version__, "metadata": metadata, "files": files,
        })  # fmt: skip
        write_card(folder)
        return
    try:
        if plan.like.kind == "cross-encoder":
            write_pair_manifest(pair_folders.read_folder(folder, verify=False), folder, metadata=metadata)
        else:
            write_manifest(encoder_folders.read_folder(folder, verify=False), folder, metadata=metadata)
    except ModelError as error:
        text = str(error).replace(str(folder), "the merged model")
        raise ModelError(f"The result cannot be loaded here, so nothing was kept: {text} Merge with `load=False` "
                         "(--no-load) if it is meant for another program.") from error  # fmt: skip


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value
