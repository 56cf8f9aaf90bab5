"""Write a model folder that sentence-transformers 5.1 and 6 load without flags, and accord with its proofs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accord._version import __version__
from accord.core.errors import InputError
from accord.core.storage import atomic_folder, hash_folder
from accord.encoders.adapters import folded
from accord.encoders.base import Encoder
from accord.encoders.card import write_card
from accord.encoders.description import describe
from accord.encoders.direction import needed_transformers
from accord.encoders.encode import encode_few
from accord.encoders.heads import Dense, LayerNorm
from accord.encoders.integrity import MANIFEST, MODEL_FORMAT
from accord.encoders.language.saving import write_heads
from accord.encoders.layer_mix import LayerMix
from accord.encoders.modules_file import POOLINGS
from accord.encoders.probes import PROBES
from accord.encoders.quiet import quiet_transformers
from accord.encoders.tokenizer_files import write_tokenizer

__all__ = ["LEGACY", "probe_vectors", "save_encoder", "write_head", "write_json", "write_manifest", "write_settings"]

LEGACY = "sentence_transformers.models."
DECLARED = {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}
"""Low on purpose: older releases warn about folders that declare a newer one."""
PROMPTED = 2
"""Probe texts stored for each prompt."""


def save_encoder(
    encoder: Encoder,
    path: Path,
    *,
    metadata: Mapping[str, Any],
    write: Callable[[Encoder, Path], None] | None = None,
) -> None:
    """Write the folder; see :meth:`accord.encoders.TextEncoder.save`.

    Args:
        encoder: adapters are folded in a copy.
        path: the folder.
        metadata: JSON values to keep.
        write: fills the folder with the model's own files; those of a transformer when not given.

    Raises:
        InputError: `path` is a file or a folder of something else, or the metadata is no JSON.
        StorageError: the disk is full or refuses.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not _holds_model(path)):
        raise InputError(f"{path} holds something else than a model. Choose another folder.")
    try:
        metadata = json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"`metadata` must be JSON: {error}.") from error
    encoder = folded(encoder)
    with atomic_folder(path) as folder:
        (write or _write_transformer)(encoder, folder)
        write_heads(getattr(encoder, "token_heads", {}), folder)
        write_manifest(encoder, folder, metadata=metadata)


def write_manifest(encoder: Encoder, folder: Path, *, metadata: Mapping[str, Any]) -> None:
    """Write `accord.json`, which proves that a folder is the model that was saved, and the card.

    Args:
        encoder: as the folder's files give it.
        folder: with all other files of the model.
        metadata: JSON values to keep.
    """
    manifest = {
        "format": MODEL_FORMAT,
        "version": __version__,
        "fingerprint": encoder.fingerprint(),
        "metadata": metadata,
        "probes": probe_vectors(encoder),
        "identity": describe(encoder, folder),
        "files": hash_folder(folder, keep=lambda path: path.name != "README.md"),  # which may be edited
    }
    write_json(folder / MANIFEST, manifest)
    write_card(folder)


def _holds_model(path: Path) -> bool:
    return any((path / name).is_file() for name in ("config.json", "modules.json"))


def probe_vectors(encoder: Encoder) -> dict[str, Any]:
    """The probe texts and their vectors, without a prompt and, for the first few, with each prompt."""

    def vectors(texts: Sequence[str], prompt: str) -> list[list[float]]:
        return encode_few(encoder, texts, prompt=prompt).astype(np.float64).round(9).tolist()

    prompts = {name: text for name, text in encoder.prompts.items() if text}
    return {
        "texts": list(PROBES),
        "vectors": vectors(PROBES, ""),
        "prompted": {name: vectors(PROBES[2 : 2 + PROMPTED], text) for name, text in prompts.items()},
    }


def _write_transformer(encoder: Encoder, folder: Path) -> None:
    _write_backbone(encoder, folder)
    _write_modules(encoder, folder)


def _write_backbone(encoder: Encoder, folder: Path) -> None:
    with quiet_transformers():
        encoder.backbone.save_pretrained(folder, safe_serialization=True)
    side, length = getattr(encoder.tokenizer, "truncation_side", "right"), encoder.max_length
    assert length is not None, "only a static encoder cuts nothing"
    write_tokenizer(encoder.tokenizer, folder, max_length=length, truncation_side=side)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": encoder.max_length, "do_lower_case": False})


def _write_modules(encoder: Encoder, folder: Path) -> None:
    mix: LayerMix | None = getattr(encoder, "layer_mix", None)
    begin = ["Pooling"] if mix is None else ["WeightedLayerPooling", "Pooling"]
    kinds = [*begin, *(type(head).__name__ for head in encoder.heads)]
    rows = [("", "Transformer"), *((f"{n}_{kind}", kind) for n, kind in enumerate(kinds, start=1))]
    places = iter(folder / path for path, _ in rows[1:])
    write_json(
        folder / "modules.json",
        [{"idx": n, "name": str(n), "path": path, "type": LEGACY + kind} for n, (path, kind) in enumerate(rows)],
    )
    write_settings(encoder, folder)
    if mix is not None:
        _write_layer_mix(mix, encoder.backbone.config.hidden_size, next(places))
    chosen = {type(pooling) for pooling in encoder.pooling}
    write_json(
        next(places) / "config.json",
        {
            "word_embedding_dimension": encoder.backbone.config.hidden_size,
            **{switch: kind in chosen for switch, kind in POOLINGS.values()},
            "include_prompt": encoder.include_prompt,
        },
    )
    for head, place in zip(encoder.heads, places, strict=True):
        write_head(head, place)


def _write_layer_mix(mix: LayerMix, width: int, folder: Path) -> None:
    """A WeightedLayerPooling; sentence-transformers hands it hidden states where `config.json` says so."""
    from safetensors.torch import save_file

    config = folder.parent / "config.json"
    write_json(config, json.loads(config.read_text(encoding="utf-8")) | {"output_hidden_states": True})
    sizes = {"num_hidden_layers": mix.layers, "layer_start": mix.start}
    write_json(folder / "config.json", {"word_embedding_dimension": width, **sizes})
    weights = {"layer_weights": mix.weights.detach().cpu()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def write_settings(encoder: Encoder, folder: Path) -> None:
    """Write `config_sentence_transformers.json`: prompts and similarity, and what a switch of attention needs.

    sentence-transformers 6 refuses to load a model whose requirements are not met, rather than let it be causal.
    """
    needed = needed_transformers(getattr(encoder.backbone, "config", None))
    reason = {"specifier": needed, "reason": "older releases ignore that its attention is bidirectional"}
    write_json(
        folder / "config_sentence_transformers.json",
        {
            "__version__": DECLARED,
            "prompts": encoder.prompts,
            "default_prompt_name": encoder.default_prompt_name,
            "similarity_fn_name": encoder.similarity_name,
            **({} if needed is None else {"requirements": {"transformers": reason}}),
        },
    )


def write_head(head: Any, folder: Path) -> None:
    """Write the folder of one head: its configuration and weights."""
    from safetensors.torch import save_file

    folder.mkdir()
    if isinstance(head, Dense):
        function = type(head.function)
        config: dict[str, Any] = {
            "in_features": head.in_features,
            "out_features": head.out_features,
            "bias": head.bias,
            "activation_function": f"{function.__module__}.{function.__name__}",
        }
    else:
        config = {"dimension": head.dimension} if isinstance(head, LayerNorm) else {}
    write_json(folder / "config.json", config)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()}
    if weights:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write JSON, indented."""
    _write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
