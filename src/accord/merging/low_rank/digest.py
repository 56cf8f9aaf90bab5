"""Whether an adapter belongs to a base, from the base's files: no model is built, one tensor is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.encoders.fingerprint import hash_tensors
from accord.encoders.quiet import quiet_transformers
from accord.merging.low_rank.folders import AdapterFolder
from accord.merging.weight_files import Stored

__all__ = ["backbone_digest", "check_base"]


class _OnDisk(Mapping[str, Tensor]):
    """Tensors in float32 by their names in the backbone, read when they are asked for."""

    def __init__(self, places: Mapping[str, tuple[str, Stored]]) -> None:
        self.places = places

    def __getitem__(self, name: str) -> Tensor:
        from safetensors import safe_open

        there, stored = self.places[name]
        with safe_open(stored.path, framework="pt") as weights:
            tensor = weights.get_tensor(there)
        return tensor.float() if stored.is_float else tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def backbone_digest(folder: Path, weights: Mapping[str, Stored]) -> str | None:
    """What :func:`~accord.encoders.adapters.save_adapter` calls the base, from the base's files.

    Args:
        folder: holds `config.json`.
        weights: of its weight files, by name.

    Returns:
        SHA-256 in hexadecimal; None where the names in the files are not those of the backbone, so that only loading
        the model could tell.
    """
    from transformers import AutoConfig, AutoModel

    with quiet_transformers(), torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        names = list(AutoModel.from_config(config, trust_remote_code=False).state_dict())
    places: dict[str, tuple[str, Stored]] = {}
    for name in names:
        found = [name] if name in weights else [there for there in weights if there.endswith(f".{name}")]
        if len(found) == 1:
            places[name] = found[0], weights[found[0]]
        elif not name.startswith("pooler."):  # an untrained one is dropped when the model is loaded
            return None
    return hash_tensors(_OnDisk(places))


def check_base(adapter: AdapterFolder, folder: Path, weights: Mapping[str, Stored]) -> None:
    """Refuse an adapter that was trained on other weights, where its folder knows on which.

    Args:
        adapter: to be put on the base.
        folder: of the base; holds `config.json`.
        weights: of its weight files, by name.

    Raises:
        InputError: names both.
    """
    if adapter.base is None:
        return
    found = backbone_digest(folder, weights)
    if found not in {None, adapter.base}:
        raise InputError(
            f"The adapter {adapter.path} belongs to {adapter.base_name or 'another model'} (weights "
            f"{adapter.base[:12]}), and {folder} has the weights {str(found)[:12]}. Name the base that it was trained "
            "on."
        )
