"""Adapters on disk: the two files of peft, and one that says which base they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from accord.core.errors import InputError, ModelError
from accord.core.storage import atomic_folder, hash_file, write_json
from accord.encoders.adapters.adapter import Adapter, attach, linear_layers
from accord.encoders.fingerprint import hash_tensors
from accord.encoders.integrity import read_object

__all__ = [
    "BASE",
    "CONFIG",
    "PREFIX",
    "WEIGHTS",
    "check_kind",
    "check_path",
    "load_adapter",
    "save_adapter",
    "write_files",
]

FORMAT = "accord-adapter/1"
CONFIG, WEIGHTS, BASE = "adapter_config.json", "adapter_model.safetensors", "accord-adapter.json"
PREFIX = "base_model.model."
UNSUPPORTED: Mapping[str, tuple[object, ...]] = {
    "use_dora": (False, None),
    "bias": ("none", None),
    "fan_in_fan_out": (False, None),
    "modules_to_save": (None, []),
    "trainable_token_indices": (None,),
    "lora_bias": (False, None),
    "target_parameters": (None, []),
    "layer_replication": (None, []),
    "use_qalora": (False, None),
    "use_bdlora": (False, None),
    "alora_invocation_tokens": (None,),
    "arrow_config": (None,),
    "kasa_config": (None,),
    "monteclora_config": (None,),
    "megatron_config": (None,),
}
"""Settings of peft that change what an adapter computes, and the values that do not."""

PATTERNS: Mapping[str, tuple[object, ...]] = {"rank_pattern": ({}, None), "alpha_pattern": ({}, None)}
"""Settings that give single layers another rank or scale, and the values that do not."""

REBASED = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Beginnings of `init_lora_weights` that change the base as well; after converting, peft writes another value."""


def save_adapter(adapter: Adapter, path: Path | str, *, base_name: str | None = None) -> None:
    """Write an adapter so that peft reads it too: `PeftModel.from_pretrained(AutoModel..., path)`.

    Args:
        adapter: sits on its encoder.
        path: the folder; it appears whole or not at all.
        base_name: path or hub name of the base, for readers.

    Raises:
        InputError: the adapter has been folded, or `path` holds something else.
        StorageError: the disk is full or refuses.
    """
    path = Path(path)
    if not adapter.layers:
        raise InputError("The adapter has been folded or taken off: there is nothing to save. Save it before.")
    check_path(path)
    tensors: dict[str, Tensor] = {}
    for name, layer in adapter.layers.items():
        tensors[f"{PREFIX}{name}.lora_A.weight"] = layer.down.detach().cpu().contiguous()
        tensors[f"{PREFIX}{name}.lora_B.weight"] = layer.up.detach().cpu().contiguous()
    write_files(path, tensors, _config(adapter, base_name), {"base": adapter.base, "base_name": base_name})


def check_path(path: Path) -> None:
    """Refuse to write an adapter over something else.

    Raises:
        InputError: `path` is a file, or a folder that holds no adapter.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / CONFIG).is_file()):
        raise InputError(f"{path} holds something else than an adapter. Choose another folder.")


def write_files(
    path: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any], record: Mapping[str, Any]
) -> None:
    """Write peft's two files, and ours that says which base they belong to.

    Args:
        path: the folder; it appears whole or not at all.
        tensors: by peft's names.
        config: peft's.
        record: what ours says: `base`, `base_name`, and what else there is to keep.

    Raises:
        StorageError: the disk is full or refuses.
    """
    with atomic_folder(path) as folder:
        write_json(folder / CONFIG, config)
        save_file(dict(tensors), folder / WEIGHTS, metadata={"format": "pt"})
        files = {name: hash_file(folder / name) for name in (CONFIG, WEIGHTS)}
        write_json(folder / BASE, {"format": FORMAT, **record, "files": files})


def load_adapter(encoder: Any, path: Path | str) -> Adapter:
    """Put a saved adapter on an encoder, in place; ours or one that peft wrote for the same backbone.

    Args:
        encoder: the base that the adapter was trained on.
        path: holds `adapter_config.json` and `adapter_model.safetensors`.

    Raises:
        ModelError: a missing or damaged file, an adapter of another base (by fingerprint, names or shapes) or of a kind
            that is not supported.
    """
    path = Path(path)
    config = read_object(path / CONFIG)
    check_kind(path, config)
    for key, harmless in PATTERNS.items():
        if key in config and config[key] not in harmless:
            raise ModelError(
                f"{path / CONFIG}: `{key}` = {config[key]!r} is not supported. Fold the adapter with peft first."
            )
    _check_base(path, encoder)
    tensors = _read_tensors(path / WEIGHTS)
    names = sorted({name.removesuffix(".lora_A.weight") for name in tensors if name.endswith(".lora_A.weight")})
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    _check_shapes(path, encoder, names, tensors, rank)
    dropout, rslora = float(config.get("lora_dropout", 0)), bool(config.get("use_rslora", False))
    adapter = attach(encoder, rank=rank, alpha=alpha, dropout=dropout, rslora=rslora, targets=names)
    with torch.no_grad():
        for name, layer in adapter.layers.items():
            layer.down.copy_(tensors[f"{name}.lora_A.weight"])
            layer.up.copy_(tensors[f"{name}.lora_B.weight"])
    return adapter


def _config(adapter: Adapter, base_name: str | None) -> dict[str, Any]:
    return {
        "peft_type": "LORA",
        "task_type": "FEATURE_EXTRACTION",
        "base_model_name_or_path": base_name,
        "inference_mode": True,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": adapter.dropout,
        "use_rslora": adapter.rslora,
        "target_modules": list(adapter.targets),
        "bias": "none",
        "fan_in_fan_out": False,
        "modules_to_save": None,
    }


def check_kind(path: Path, config: Mapping[str, Any]) -> None:
    """Refuse adapters that compute something else than W x + s B A x.

    Args:
        path: of the folder, for messages.
        config: peft's.

    Raises:
        ModelError: names the setting.
    """
    where = path / CONFIG
    if config.get("peft_type") != "LORA":
        raise ModelError(f"{where}: `peft_type` must be LORA. Got {config.get('peft_type')!r} instead.")
    for key, harmless in UNSUPPORTED.items():
        if key in config and config[key] not in harmless:
            raise ModelError(f"{where}: `{key}` = {config[key]!r} is not supported. Fold the adapter with peft first.")
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.startswith(REBASED):
        raise ModelError(
            f"{where}: `init_lora_weights` = {start!r} changes the base as well. Have peft convert the adapter: "
            "`save_pretrained(..., path_initial_model_for_weight_conversion=...)`."
        )
    for key in ("r", "lora_alpha"):
        if not isinstance(config.get(key), (int, float)):
            raise ModelError(f"{where}: `{key}` must be a number. Got {config.get(key)!r} instead.")


def _check_base(path: Path, encoder: Any) -> None:
    """Only folders that accord wrote say which weights they belong to."""
    if not (path / BASE).is_file():
        return
    record = read_object(path / BASE)
    for name, digest in record.get("files", {}).items():
        if not (path / name).is_file() or hash_file(path / name) != digest:
            raise ModelError(f"{path / name} is missing or was changed after it was saved. Copy the adapter again.")
    found = hash_tensors(encoder.backbone.state_dict())
    if record.get("base") not in {None, found}:
        base = record.get("base_name") or "another model"
        raise ModelError(
            f"The adapter {path} belongs to {base} (weights {str(record.get('base'))[:12]}), and this encoder has the "
            f"weights {found[:12]}. Load the base that it was trained on, or train it again on this one."
        )


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by their names in the backbone."""
    if not path.is_file():
        raise ModelError(f"{path} is missing. Restore the file, or save the adapter again.")
    try:
        return {name.removeprefix(PREFIX): tensor for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged or only half written ({error}). Copy or fetch the file again.") from error


def _check_shapes(path: Path, encoder: Any, names: list[str], tensors: Mapping[str, Tensor], rank: int) -> None:
    known = linear_layers(encoder.backbone)
    expected = {f"{name}.lora_{part}.weight" for name in names for part in "AB"}
    strange = sorted(expected ^ set(tensors))
    if strange or not names:
        raise ModelError(f"{path / WEIGHTS} must hold pairs of lora_A and lora_B. Got {(strange or ['none'])[0]!r}.")
    for name in names:
        if name not in known:
            raise ModelError(
                f"The adapter {path} is for another architecture: this {type(encoder.backbone).__name__} has no linear "
                f"layer `{name}`. Load the base that it was trained on."
            )
        layer = known[name]
        wanted = (rank, layer.in_features), (layer.out_features, rank)
        found = tuple(tensors[f"{name}.lora_A.weight"].shape), tuple(tensors[f"{name}.lora_B.weight"].shape)
        if found != wanted:
            raise ModelError(
                f"The adapter {path} does not fit: `{name}` needs matrices of the shapes {wanted[0]} and {wanted[1]}, "
                f"and it has {found[0]} and {found[1]}. Load the base that it was trained on."
            )
