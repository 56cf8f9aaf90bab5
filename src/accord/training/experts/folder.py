"""A twin encoder on disk: the shared model as a plain folder, all other numbers in one file, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from accord.core.errors import InputError, ModelError
from accord.core.storage import atomic_folder, hash_file, write_json
from accord.encoders import TextEncoder
from accord.encoders.integrity import read_object
from accord.training.experts.exclusive import Exclusive
from accord.training.experts.router import FittedRouter

__all__ = ["folder_tensors", "read_parts", "save_folder"]

FORMAT = "accord-twin/1"
CONFIG, WEIGHTS, SHARED = "twin.json", "twin.safetensors", "shared"


def folder_tensors(experts: Mapping[str, Exclusive], router: FittedRouter | None) -> dict[str, Tensor]:
    """Every number beside the shared model: `N/up/TENSOR`, `N/down/TENSOR`, `N/vector/TENSOR`, `router/N/...`."""
    found: dict[str, Tensor] = {}
    for number, part in enumerate(experts.values()):
        for name, (up, down) in part.factors.items():
            found[f"{number}/up/{name}"], found[f"{number}/down/{name}"] = up, down
        found |= {f"{number}/vector/{name}": vector for name, vector in part.vectors.items()}
    for number, (weights, bias) in enumerate(router.layers if router else ()):
        found[f"router/{number}/weights"] = torch.from_numpy(np.ascontiguousarray(weights))
        found[f"router/{number}/bias"] = torch.from_numpy(np.ascontiguousarray(bias))
    return {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}


def save_folder(
    path: Path, shared: TextEncoder, experts: Mapping[str, Exclusive], router: FittedRouter | None, *, top: int | None
) -> None:
    """Write the folder; see :meth:`accord.training.experts.TwinEncoder.save`."""
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / CONFIG).is_file()):
        raise InputError(f"{path} holds something else than a twin encoder. Choose another folder.")
    known = None if router is None else {
        "layers": len(router.layers),
        "accuracy": router.accuracy,
        "largest": router.largest,
        "texts": router.texts,
    }  # fmt: skip
    with atomic_folder(path) as folder:
        shared.save(folder / SHARED)
        save_file(folder_tensors(experts, router), folder / WEIGHTS, metadata={"format": "pt"})
        write_json(
            folder / CONFIG,
            {
                "format": FORMAT,
                "tasks": list(experts),
                "energy": [part.energy for part in experts.values()],
                "top": top,
                "router": known,
                "files": {WEIGHTS: hash_file(folder / WEIGHTS)},
            },
        )


def read_parts(path: Path) -> tuple[Path, dict[str, Exclusive], FittedRouter | None, int | None]:
    """Where the shared model is, the exclusive parts, the router, and how many experts share a text.

    Raises:
        ModelError: a missing, damaged or changed file, or another format.
    """
    config = read_object(path / CONFIG)
    if config.get("format") != FORMAT:
        raise ModelError(f"{path / CONFIG} is of the format {config.get('format')!r}, not {FORMAT}. Update accord.")
    file = path / WEIGHTS
    if not file.is_file() or hash_file(file) != config["files"][WEIGHTS]:
        raise ModelError(f"{file} is missing or was changed after it was saved. Copy the folder again.")
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file} is damaged or only half written ({error}). Copy the folder again.") from error
    parts = {
        task: _part(tensors, f"{number}/", energy)
        for number, (task, energy) in enumerate(zip(config["tasks"], config["energy"]))
    }
    return path / SHARED, parts, _router(tensors, config), config["top"]


def _part(tensors: Mapping[str, Tensor], prefix: str, energy: float) -> Exclusive:
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    ups = {name.removeprefix("up/"): tensor for name, tensor in own.items() if name.startswith("up/")}
    vectors = {name.removeprefix("vector/"): tensor for name, tensor in own.items() if name.startswith("vector/")}
    return Exclusive({name: (up, own[f"down/{name}"]) for name, up in ups.items()}, vectors, energy)


def _router(tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> FittedRouter | None:
    known = config["router"]
    if known is None:
        return None
    layers = tuple(
        (tensors[f"router/{n}/weights"].numpy(), tensors[f"router/{n}/bias"].numpy()) for n in range(known["layers"])
    )
    return FittedRouter(tuple(config["tasks"]), layers, known["accuracy"], known["largest"], known["texts"])
