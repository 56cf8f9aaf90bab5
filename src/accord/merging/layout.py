"""The files of a merged model that are no weights: those of the first expert, with what the merge changes in them."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from accord.core.errors import InputError, StorageError
from accord.core.storage import nearest_folder
from accord.encoders.integrity import read_object
from accord.merging.agreement import joint_prompts
from accord.merging.folder import ModelFolder
from accord.merging.plan import MergePlan
from accord.merging.weight_files import FLOATS

__all__ = ["check_place", "copy_settings", "part_folders"]

TAKEN = (
    *("config.json", "config_sentence_transformers.json", "modules.json", "sentence_*_config.json", "tokenizer*.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model", "chat_template.*"),
)
"""Names of files that belong to the model; cards, exports and records of training do not."""


def check_place(out: Path, plan: MergePlan) -> None:
    """Refuse a place that holds something else, that is a model of the merge, or that is too small.

    Raises:
        InputError: says which.
        StorageError: the disk is too full.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not _holds_model(out)):
        raise InputError(f"{out} holds something else than a model. Choose another folder for the result.")
    for model in (*plan.use.experts, *([plan.use.base] if plan.use.base else [])):
        if out.exists() and out.resolve() in {model.path.resolve(), *model.path.resolve().parents}:
            raise InputError(f"{out} holds {model.name}, which is merged. Choose another folder for the result.")
    free = shutil.disk_usage(nearest_folder(out)).free
    if free < plan.bytes_written:
        raise StorageError(
            errno.ENOSPC,
            f"{out} needs {plan.bytes_written / 2**20:,.0f} MiB, and the disk has {free / 2**20:,.0f} MiB left. Make "
            "room, or choose another place.",
        )


def _holds_model(path: Path) -> bool:
    return any((path / name).is_file() for name in ("config.json", "modules.json"))


def part_folders(model: ModelFolder) -> list[str]:
    """Folders of a model that hold files of its own, relative to it; its own is ""."""
    modules = model.path / "modules.json"
    rows = json.loads(modules.read_text(encoding="utf-8")) if modules.is_file() else []
    return list(dict.fromkeys(["", *(str(row.get("path", "")).strip("./") for row in rows)]))


def copy_settings(plan: MergePlan, folder: Path) -> None:
    """Fill a folder with the settings of the model that the result is like.

    Args:
        plan: of the merge.
        folder: exists and is empty.
    """
    for part in part_folders(plan.like):
        source = plan.like.path / part
        (folder / part).mkdir(exist_ok=True)
        for file in sorted(source.iterdir()) if source.is_dir() else []:
            if file.is_file() and any(fnmatch(file.name, pattern) for pattern in TAKEN):
                shutil.copyfile(file, folder / part / file.name)
    kinds = {tensor.dtype for tensor in plan.tensors if tensor.method is not None}
    _say_dtype(
        folder / plan.like.parts[0].folder / "config.json", FLOATS[kinds.pop()] if len(kinds) == 1 else "float32"
    )
    if plan.use.prompts == "union":
        _change(folder / "config_sentence_transformers.json", {"prompts": joint_prompts(plan.use.experts)})


def _say_dtype(path: Path, dtype: str) -> None:
    if not path.is_file():
        return
    config = read_object(path)
    told = {name: dtype for name in ("dtype", "torch_dtype", "embedding_dtype") if name in config}
    if not told and "model_type" in config and dtype != "float32":
        told = {"torch_dtype": dtype}
    _change(path, told)


def _change(path: Path, values: Mapping[str, Any]) -> None:
    config = read_object(path) if path.is_file() else {}
    if any(config.get(name) != value for name, value in values.items()):
        path.write_text(json.dumps(config | dict(values), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
