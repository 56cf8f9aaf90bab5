"""An adapter's folder as merging sees it: what it changes, by how much, and on which base."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from accord.core.errors import InputError, ModelError
from accord.core.storage import hash_file
from accord.encoders.adapters.folder import BASE, CONFIG, PREFIX, WEIGHTS, check_kind
from accord.encoders.integrity import read_object
from accord.merging.weight_files import Stored, read_weights

__all__ = ["AdapterFolder", "check_together", "read_adapter"]

PARTS = (".lora_A.weight", ".lora_B.weight")

STRANGERS = {
    "lora_magnitude_vector": "it is a DoRA, whose change depends on the base's weights",
    "lora_embedding": "it adapts a token table",
    "modules_to_save": "it holds whole layers beside its low-rank parts",
    ".bias": "it holds biases beside its low-rank parts",
}
"""Parts of names of tensors that are no pair of A and B, and what they mean."""


@dataclass(frozen=True)
class AdapterFolder:
    """An adapter, from its configuration and the head of its weight file; weights are read when asked for.

    Args:
        path: of the folder.
        config: peft's.
        record: accord's own, where it has one.
        tensors: of its weight file, by peft's names.
        scales: s of each layer that it changes, by the layer's name in the backbone.
    """

    path: Path
    config: Mapping[str, Any]
    record: Mapping[str, Any]
    tensors: Mapping[str, Stored]
    scales: Mapping[str, float]

    @property
    def base(self) -> str | None:
        """SHA-256 of the backbone that it was trained on, where its folder knows it."""
        return self.record.get("base")

    @property
    def base_name(self) -> str | None:
        """Name or path of the base, where its folder knows it."""
        return self.record.get("base_name") or self.config.get("base_model_name_or_path")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its weight file."""
        return hash_file(self.path / WEIGHTS)

    def shape(self, layer: str) -> tuple[int, int]:
        """(outer, inner) of the change to a layer."""
        down, up = (self.tensors[f"{PREFIX}{layer}{part}"].shape for part in PARTS)
        return up[0], down[1]

    def rank(self, layer: str) -> int:
        """Of the change to a layer."""
        return self.tensors[f"{PREFIX}{layer}{PARTS[0]}"].shape[0]

    def factors(self, layer: str) -> tuple[Tensor, Tensor]:
        """B (outer, rank) and A (rank, inner) of a layer, float32.

        Raises:
            InputError: a number that is not finite.
        """
        from safetensors import safe_open

        with safe_open(self.path / WEIGHTS, framework="pt") as weights:
            down, up = (weights.get_tensor(f"{PREFIX}{layer}{part}").float() for part in PARTS)
        if not (torch.isfinite(down).all() and torch.isfinite(up).all()):
            raise InputError(f"{self.path / WEIGHTS}: the adapter of `{layer}` holds NaN or infinity. Leave it out.")
        return up, down

    def change(self, layer: str) -> Tensor:
        """(outer, inner) float32: s B A."""
        up, down = self.factors(layer)
        return self.scales[layer] * (up @ down)


def read_adapter(path: Path | str) -> AdapterFolder:
    """Read all of an adapter but its weights; ours or one of peft's, with ranks and scales by layer where it has them.

    Args:
        path: holds `adapter_config.json` and `adapter_model.safetensors`.

    Raises:
        ModelError: a missing, damaged or changed file, or an adapter that is no sum of low-rank products.
    """
    path = Path(path)
    if not (path / CONFIG).is_file():
        raise ModelError(f"{path} holds no adapter: there is no {CONFIG}. Give the folder that `save_adapter` wrote.")
    config = read_object(path / CONFIG)
    check_kind(path, config)
    record = read_object(path / BASE) if (path / BASE).is_file() else {}
    for name, digest in record.get("files", {}).items():
        if not (path / name).is_file() or hash_file(path / name) != digest:
            raise ModelError(f"{path / name} is missing or was changed after it was saved. Copy the adapter again.")
    tensors = read_weights(path, file=WEIGHTS)
    layers = _layers(path, tensors)
    scales = {layer: _scale(path, config, layer, tensors[f"{PREFIX}{layer}{PARTS[0]}"].shape[0]) for layer in layers}
    return AdapterFolder(path, config, record, tensors, scales)


def check_together(adapters: Sequence[AdapterFolder]) -> None:
    """Refuse adapters that were not trained on one base.

    Raises:
        InputError: another fingerprint, another name where fingerprints are not known, another revision, or a layer of
            another shape.
    """
    first = adapters[0]
    for other in adapters[1:]:
        if first.base is not None and other.base is not None:
            if first.base != other.base:
                raise InputError(
                    f"{first.path} belongs to a base with the weights {first.base[:12]} ({first.base_name}), and "
                    f"{other.path} to one with {other.base[:12]} ({other.base_name}). Merge adapters of one base; "
                    "models of different bases are merged whole."
                )
        else:
            for key, one, two in (
                ("base", first.base_name, other.base_name),
                ("revision of the base", first.config.get("revision"), other.config.get("revision")),
            ):
                if one and two and one != two:
                    raise InputError(
                        f"{first.path} names the {key} {one}, and {other.path} names {two}. Merge adapters of one "
                        "base; if the two are the same, write the same name into both adapter_config.json."
                    )
        for layer in sorted(first.scales.keys() & other.scales.keys()):
            if first.shape(layer) != other.shape(layer):
                raise InputError(
                    f"`{layer}` is {first.shape(layer)} in {first.path} and {other.shape(layer)} in {other.path}: they "
                    "were trained on different bases."
                )


def _layers(path: Path, tensors: Mapping[str, Stored]) -> list[str]:
    """Names of the adapted layers in the backbone.

    Raises:
        ModelError: tensors that are no pairs of A and B that fit.
    """
    where = path / WEIGHTS
    for name, stored in tensors.items():
        reason = next((why for part, why in STRANGERS.items() if part in name), None)
        if reason is not None:
            raise ModelError(
                f"{where}: `{name}` cannot be merged: {reason}. Fold the adapter with peft, and merge models."
            )
        if not name.startswith(PREFIX) or not name.endswith(PARTS) or len(stored.shape) != 2 or not stored.is_float:
            raise ModelError(f"{where} must hold pairs of lora_A and lora_B for linear layers. Got `{name}`.")
    layers = sorted({name.removeprefix(PREFIX).removesuffix(PARTS[0]).removesuffix(PARTS[1]) for name in tensors})
    for layer in layers:
        pair = [tensors.get(f"{PREFIX}{layer}{part}") for part in PARTS]
        if pair[0] is None or pair[1] is None or pair[0].shape[0] != pair[1].shape[1]:
            raise ModelError(
                f"{where}: the lora_A and lora_B of `{layer}` do not fit together. Copy the adapter again."
            )
    return layers


def _scale(path: Path, config: Mapping[str, Any], layer: str, rank: int) -> float:
    """The scale s of a layer: alpha / r, or alpha / sqrt(r) with `use_rslora`; both may be given by layer.

    Raises:
        ModelError: a rank that the configuration does not announce.
    """
    wanted = int(_of_layer(path, config, "rank_pattern", layer, config["r"]))
    if wanted != rank:
        raise ModelError(f"{path}: `{layer}` has rank {rank}, and {CONFIG} says {wanted}. Copy both files again.")
    alpha = float(_of_layer(path, config, "alpha_pattern", layer, config["lora_alpha"]))
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _of_layer(path: Path, config: Mapping[str, Any], key: str, layer: str, usual: float) -> float:
    """The value of the first pattern that is the layer's name, or its end, as peft matches them."""
    for pattern, value in (config.get(key) or {}).items():
        try:
            if re.match(rf"(.*\.)?({pattern})$", layer):
                return value
        except re.error as error:
            raise ModelError(f"{path / CONFIG}: `{key}` holds {pattern!r}, which is no pattern: {error}.") from error
    return usual
