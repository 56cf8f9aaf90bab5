"""A codec as a folder: settings and hashes in `codec.json`, arrays in `codec.safetensors`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as read_arrays
from safetensors.numpy import save as array_bytes

from accord.compression.codecs.base import FittedCodec, kind_of
from accord.core.environment import environment
from accord.core.errors import InputError
from accord.core.storage import atomic_folder, hash_file, hash_json, write_json

__all__ = ["FORMAT", "check_made_for", "identity", "load", "read_description", "save"]

FORMAT = "accord-codec/1"
SETTINGS, ARRAYS = "codec.json", "codec.safetensors"
CURE = "Copy the folder again, or fit the codec again."


def identity(codec: FittedCodec) -> str:
    """SHA-256 of all that decides a codec's bytes and scores: kind, settings, dimension, similarity, model and arrays.

    >>> from accord.compression.codecs import Float16
    >>> vectors = np.eye(4, dtype=np.float32)
    >>> identity(Float16().fit(vectors)) == identity(Float16().fit(vectors))
    True
    """
    return hash_json(
        {
            "kind": codec.kind,
            "settings": dict(codec.settings),
            "dim": codec.dim,
            "similarity": codec.similarity,
            "made_for": codec.made_for,
            "arrays": {
                name: [array.dtype.str, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]
                for name, array in sorted(codec.arrays().items())
            },
        }
    )


def save(codec: FittedCodec, path: Path | str, *, seed: int = 0, fidelity: Mapping[str, Any] | None = None) -> Path:
    """Write a codec folder, whole or not at all; an older one of the name is replaced.

    Args:
        codec: fitted.
        path: of the folder.
        seed: that it was fitted with.
        fidelity: what was measured of it, as plain values.

    Returns:
        The folder.

    Raises:
        InputError: a place that holds something that is no codec.
        StorageError: the disk is full or refuses.
    """
    path = Path(path)
    if path.exists() and not (path / SETTINGS).is_file() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path} exists and is no codec folder. Choose another place.")
    with atomic_folder(path) as partial:
        (partial / ARRAYS).write_bytes(array_bytes(dict(codec.arrays())))
        description = {
            "format": FORMAT,
            "kind": codec.kind,
            "settings": dict(codec.settings),
            "dim": codec.dim,
            "code_bytes": codec.code_bytes,
            "similarity": codec.similarity,
            "made_for": codec.made_for,
            "identity": identity(codec),
            "arrays": {"file": ARRAYS, "sha256": hash_file(partial / ARRAYS)},
            "seed": seed,
            "versions": _versions(),
            "fidelity": None if fidelity is None else dict(fidelity),
        }
        write_json(partial / SETTINGS, description)
    return path


def load(path: Path | str) -> FittedCodec:
    """Open a codec folder.

    Args:
        path: of the folder.

    Raises:
        InputError: no codec folder, one of another format, or one that has changed since it was written.
    """
    path = Path(path)
    description = read_description(path)
    kind = kind_of(str(description["kind"]), str(path / SETTINGS))
    try:
        content = (path / ARRAYS).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} lacks {ARRAYS}. {CURE}") from error
    if hashlib.sha256(content).hexdigest() != description["arrays"]["sha256"]:
        raise InputError(f"{path / ARRAYS} has changed since it was written: its SHA-256 differs. {CURE}")
    try:
        arrays = read_arrays(content)
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path / ARRAYS} cannot be read ({error}). {CURE}") from error
    codec = kind.fitted.of_arrays(
        arrays,
        settings=description["settings"],
        dim=int(description["dim"]),
        similarity=str(description["similarity"]),
        made_for=str(description["made_for"]),
    )
    if identity(codec) != description["identity"] or codec.code_bytes != description["code_bytes"]:
        raise InputError(f"{path / SETTINGS} has changed since it was written: it no longer fits its hash. {CURE}")
    codec.decode(np.zeros((1, codec.code_bytes), dtype=np.uint8))  # looks at the shapes of all arrays
    return codec


def read_description(path: Path | str) -> dict[str, Any]:
    """What `codec.json` says.

    Raises:
        InputError: no codec folder, or one of another format.
    """
    file = Path(path) / SETTINGS
    if not file.is_file():
        raise InputError(f"{path} is no codec folder: it has no {SETTINGS}. `accord codec fit` makes one.")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file} cannot be read ({error}). {CURE}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        shown = found.get("format") if isinstance(found, dict) else type(found).__name__
        raise InputError(f"{file} must have the format {FORMAT}. Got {shown!r}: another version of accord wrote it.")
    needed = ("kind", "settings", "dim", "code_bytes", "similarity", "made_for", "identity", "arrays")
    missing = [name for name in needed if name not in found]
    if missing or not isinstance(found["arrays"], dict) or not isinstance(found["settings"], dict):
        raise InputError(f"{file} lacks `{(missing or ['arrays.sha256'])[0]}`. {CURE}")
    return found


def check_made_for(codec: FittedCodec, fingerprint: str, *, model: str = "this model") -> None:
    """Refuse a codec that was fitted on another model's vectors.

    Args:
        codec: whose model is asked; one that knows no model is let through.
        fingerprint: of the model at hand.
        model: its name, for the message.

    Raises:
        InputError: names both hashes.
    """
    if codec.made_for and fingerprint and codec.made_for != fingerprint:
        raise InputError(
            f"The codec was made for the model {codec.made_for[:12]}, but {model} is {fingerprint[:12]}. "
            "Fit a codec for this model: `accord codec fit`."
        )


def _versions() -> dict[str, str]:
    found = environment("faiss-cpu")
    return {"accord": found["accord"], "python": found["python"], **found["versions"]}
