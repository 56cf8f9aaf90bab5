"""Whether the files of a model folder are whole and unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from accord.core.errors import ModelError
from accord.core.storage import hash_file

__all__ = [
    "MANIFEST",
    "MODEL_FORMAT",
    "changed_files",
    "check_unchanged",
    "check_weights",
    "read_manifest",
    "read_object",
]

MANIFEST = "accord.json"
MODEL_FORMAT = "accord-model/1"


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: the file is missing or is not a JSON object.
    """
    if not path.is_file():
        raise ModelError(f"{path} is missing. Restore the file, or save or fetch the model again.")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not valid JSON ({error}). Save or fetch the model again.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} must hold a JSON object. Save or fetch the model again.")
    return value


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """`accord.json`, or None where the model comes from elsewhere.

    Raises:
        ModelError: it is of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    manifest = read_object(path)
    if manifest.get("format") != MODEL_FORMAT:
        raise ModelError(f"{path} is of the format {manifest.get('format')!r}, not {MODEL_FORMAT}. Update accord.")
    return manifest


def changed_files(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """The files that `accord.json` lists and that are "missing" or "changed" now."""
    problems = {}
    for name, expected in manifest.get("files", {}).items():
        path = folder / name
        if not path.is_file():
            problems[name] = "missing"
        elif hash_file(path) != expected:
            problems[name] = "changed"
    return problems


def check_unchanged(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse a folder whose files are not those that were saved.

    Raises:
        ModelError: naming the first such file and the cure.
    """
    for name, problem in changed_files(folder, manifest).items():
        if problem == "missing":
            raise ModelError(f"{folder / name} is missing. Restore the file, or save the model again.")
        raise ModelError(
            f"{folder / name} was changed after the model was saved (its SHA-256 differs from {MANIFEST}). Restore the "
            f"file; if the change is meant, delete {MANIFEST}. `accord doctor {folder}` says what it does."
        )


def check_weights(folder: Path) -> None:
    """Refuse missing, half-written and pickled weights in one module's folder.

    Raises:
        ModelError: naming the file and the cure.
    """
    from safetensors import SafetensorError, safe_open

    index = folder / "model.safetensors.index.json"
    shards = read_object(index).get("weight_map", {}).values() if index.is_file() else ["model.safetensors"]
    for name in sorted(set(shards)):
        path = folder / name
        if not path.is_file():
            pickled = folder / "pytorch_model.bin"
            if pickled.is_file():
                raise ModelError(
                    f"{pickled} is a pickle, which can run code when read. Convert it to `model.safetensors` first: "
                    "load it where you trust it and save it again with `save_pretrained`."
                )
            raise ModelError(f"{path} is missing. Restore the file, or save or fetch the model again.")
        try:
            with safe_open(path, framework="np") as weights:
                weights.keys()
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{path} is damaged or only half written ({error}). Copy or fetch the file again."
            ) from error
