"""Write a cross-encoder folder that sentence-transformers 4 to 6 load without flags, and accord with its proofs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import nn

from accord._version import __version__
from accord.core.errors import InputError
from accord.core.storage import atomic_folder, hash_folder, write_json
from accord.encoders.card import write_card
from accord.encoders.description import number_type
from accord.encoders.integrity import MANIFEST, MODEL_FORMAT
from accord.encoders.pairs.activations import activation_path, check_storable
from accord.encoders.pairs.scoring import Scorer, logits_of_few
from accord.encoders.probes import PROBES
from accord.encoders.quiet import quiet_transformers
from accord.encoders.tokenizer_files import write_tokenizer

__all__ = ["PROBE_PAIRS", "describe_pairs", "probe_scores", "save_cross_encoder", "write_pair_manifest"]

DECLARED = "4.0.0"
"""The release of sentence-transformers that a folder asks for: low on purpose, as older ones warn about newer."""

PROBE_PAIRS: tuple[tuple[str, str], ...] = tuple((text, PROBES[(5 * n + 2) % 16]) for n, text in enumerate(PROBES))
"""Sixteen pairs that travel with each model; each probe text stands once on each side."""


class Savable(Scorer, Protocol):
    """What saving needs of a cross-encoder."""

    backbone: Any
    tokenizer: Any
    activation: nn.Module

    @property
    def max_length(self) -> int:
        """Tokens kept of a pair."""
        ...

    @property
    def labels(self) -> list[str]:
        """Names of the labels."""
        ...

    @property
    def reads_types(self) -> bool:
        """Whether token types are given to the model."""
        ...

    def identity(self) -> dict[str, Any]:
        """What decides the scores besides the weights."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over what decides the scores."""
        ...


def save_cross_encoder(model: Savable, path: Path, *, metadata: Mapping[str, Any]) -> None:
    """Write the folder; see :meth:`accord.encoders.pairs.CrossEncoder.save`.

    Raises:
        InputError: `path` is a file or a folder of something else, an activation that cannot be stored by name, or
            metadata that is no JSON.
        StorageError: the disk is full or refuses.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / "config.json").is_file()):
        raise InputError(f"{path} holds something else than a model. Choose another folder.")
    try:
        metadata = json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"`metadata` must be JSON: {error}.") from error
    check_storable(model.activation)
    with atomic_folder(path) as folder:
        _write_model(model, folder)
        write_pair_manifest(model, folder, metadata=metadata)


def write_pair_manifest(model: Savable, folder: Path, *, metadata: Mapping[str, Any]) -> None:
    """Write `accord.json`, which proves that a folder is the model that was saved, and the card.

    Args:
        model: as the folder's files give it.
        folder: with all other files of the model.
        metadata: JSON values to keep.
    """
    manifest = {
        "format": MODEL_FORMAT,
        "kind": "cross-encoder",
        "version": __version__,
        "fingerprint": model.fingerprint(),
        "metadata": metadata,
        "probes": {"pairs": [list(pair) for pair in PROBE_PAIRS], "scores": probe_scores(model).tolist()},
        "identity": describe_pairs(model, folder),
        "files": hash_folder(folder, keep=lambda path: path.name != "README.md"),  # which may be edited
    }
    write_json(folder / MANIFEST, manifest)
    write_card(folder)


def probe_scores(model: Scorer) -> np.ndarray:
    """Raw scores (16, labels) of :data:`PROBE_PAIRS`."""
    return logits_of_few(model, PROBE_PAIRS).astype(np.float64).round(9)


def describe_pairs(model: Savable, folder: Path) -> dict[str, Any]:
    """Settings in plain words, and the type of the numbers in the weights file."""
    return {**model.identity(), "dtype": number_type(folder)}


def _write_model(model: Savable, folder: Path) -> None:
    config = model.backbone.config
    config.sentence_transformers = {"activation_fn": activation_path(model.activation), "version": DECLARED}
    with quiet_transformers():
        model.backbone.save_pretrained(folder, safe_serialization=True)
    names = ["input_ids", *(["token_type_ids"] if model.reads_types else []), "attention_mask"]
    side = "left" if model.pair_tokens.keep_end else "right"
    write_tokenizer(model.tokenizer, folder, max_length=model.max_length, inputs=names, truncation_side=side)
