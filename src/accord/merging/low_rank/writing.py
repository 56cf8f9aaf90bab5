"""What a merge of adapters leaves on the disk: one adapter in peft's layout, or the model with the change folded in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from accord.core.errors import InputError, ModelError
from accord.encoders import TextEncoder, load
from accord.encoders.adapters.adapter import linear_layers
from accord.encoders.adapters.folder import PREFIX, check_path, write_files
from accord.encoders.fingerprint import hash_tensors
from accord.merging.low_rank.combining import Change
from accord.merging.low_rank.folders import AdapterFolder

__all__ = ["check_place", "load_base", "usual_scale", "write_adapter", "write_model"]


def check_place(out: Path, form: str) -> None:
    """Refuse to write over something else.

    Raises:
        InputError: `out` is a file, or holds something of another form.
    """
    if form == "adapter":
        check_path(out)
    elif out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / "modules.json").is_file()):
        raise InputError(f"{out} holds something else than a model. Choose another folder.")


def load_base(base: Path | str | None, adapters: Sequence[AdapterFolder]) -> TextEncoder:
    """The model that adapters belong to.

    Args:
        base: path or name; as the adapters name it when not given.
        adapters: of one base.

    Raises:
        InputError: nobody names it, or it is another one than the adapters were trained on.
    """
    name = base or next((one.base_name for one in adapters if one.base_name), None)
    if name is None:
        raise InputError("None of the adapters names its base. Give it as `base`.")
    encoder = load(name, device="cpu")
    if not isinstance(encoder, TextEncoder):
        raise InputError(f"{name} is a static model, which carries no adapters. Give the base as `base`.")
    digest = hash_tensors(encoder.backbone.state_dict())
    known = linear_layers(encoder.backbone)
    for one in adapters:
        if one.base is not None and one.base != digest:
            raise InputError(
                f"The adapter {one.path} belongs to {one.base_name or 'another model'} (weights {one.base[:12]}), and "
                f"{name} has the weights {digest[:12]}. Give the base that it was trained on."
            )
        for layer in one.scales:
            shape = (known[layer].out_features, known[layer].in_features) if layer in known else None
            if shape != one.shape(layer):
                raise InputError(
                    f"The adapter {one.path} changes `{layer}` of the shape {one.shape(layer)}, and {name} has "
                    f"{'no such linear layer' if shape is None else f'the shape {shape}'}. Give the base that it was "
                    "trained on."
                )
    return encoder


def write_adapter(
    out: Path,
    changes: Sequence[Change],
    adapters: Sequence[AdapterFolder],
    base: TextEncoder | None,
    provenance: Mapping[str, Any],
) -> None:
    """Write one adapter; all layers have one rank and one scale, shorter factors are filled up with zeros.

    Args:
        out: the folder.
        changes: as products of one scale.
        adapters: that were merged.
        base: theirs, where it is known.
        provenance: kept beside the files.

    Raises:
        StorageError: the disk is full or refuses.
    """
    first = adapters[0]
    rslora = all(bool(one.config.get("use_rslora")) for one in adapters)
    rank = max(len(change.down) for change in changes if change.down is not None)
    scale = changes[0].scale
    tensors: dict[str, Tensor] = {}
    for change in changes:
        if change.up is None or change.down is None:
            raise ModelError(f"`{change.layer}` has a change of full rank, which no adapter holds. Give a `rank`.")
        more = rank - len(change.down)
        up = torch.nn.functional.pad(change.up, (0, more))
        tensors[f"{PREFIX}{change.layer}.lora_A.weight"] = torch.nn.functional.pad(change.down, (0, 0, 0, more))
        tensors[f"{PREFIX}{change.layer}.lora_B.weight"] = up.contiguous()
    config = {
        "peft_type": "LORA",
        "task_type": first.config.get("task_type") or "FEATURE_EXTRACTION",
        "base_model_name_or_path": first.config.get("base_model_name_or_path"),
        "inference_mode": True,
        "r": rank,
        "lora_alpha": scale * (math.sqrt(rank) if rslora else rank),
        "lora_dropout": 0.0,
        "use_rslora": rslora,
        "target_modules": [change.layer for change in changes],
        "bias": "none",
        "fan_in_fan_out": False,
        "modules_to_save": None,
    }
    known = next((one.base for one in adapters if one.base is not None), None)
    digest = known if base is None else hash_tensors(base.backbone.state_dict())
    name = next((one.base_name for one in adapters if one.base_name), None)
    write_files(out, tensors, config, {"base": digest, "base_name": name, "merge": dict(provenance)})


def write_model(out: Path, changes: Sequence[Change], base: TextEncoder | None, provenance: Mapping[str, Any]) -> None:
    """Write the base with the changes folded in, as a model folder.

    Args:
        out: the folder.
        changes: of its layers.
        base: changed in place.
        provenance: kept as the model's metadata.

    Raises:
        StorageError: the disk is full or refuses.
    """
    assert base is not None
    layers = linear_layers(base.backbone)
    with torch.no_grad():
        for change in changes:
            weight = layers[change.layer].weight
            weight.copy_((weight.double() + change.matrix.double()).to(weight.dtype))
    base.save(out, metadata={"merge": dict(provenance)})


def usual_scale(adapter: AdapterFolder) -> float:
    """The scale that most layers of an adapter have, and never zero; merged adapters get that of the first one."""
    scales = [scale for scale in adapter.scales.values() if scale]
    return max(set(scales), key=scales.count) if scales else 1.0
