"""Read a cross-encoder folder of sentence-transformers or transformers, or put a fresh head on an encoder."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError, ModelError
from accord.core.random import derive
from accord.encoders.integrity import check_unchanged, check_weights, read_manifest, read_object
from accord.encoders.kinds import is_cross_encoder
from accord.encoders.modules_file import read_modules
from accord.encoders.pairs.activations import activation_named
from accord.encoders.pairs.cross_encoder import CrossEncoder
from accord.encoders.places import locate
from accord.encoders.quiet import quiet_transformers
from accord.encoders.text.layers import usable_positions
from accord.encoders.text.vocabulary import check_vocabulary

__all__ = ["create", "load", "read_folder"]

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json")


def load(
    name_or_path: str | Path, *, device: str | torch.device | None = None, max_length: int | None = None
) -> CrossEncoder:
    """Load a cross-encoder, in float32 and in evaluation mode.

    Args:
        name_or_path: a folder of sentence-transformers' CrossEncoder (any release) or of a transformers model for
            sequence classification, a run folder, or a name on the hub.
        device: where to put it; a GPU where there is one, else the processor.
        max_length: tokens to keep of a pair, instead of what the model says.

    Raises:
        ModelError: a missing, damaged, changed or unsupported file, by name, with the cure; a model that makes vectors.
        InputError: a maximum length that the model has no positions for.
    """
    model = read_folder(locate(name_or_path), verify=True)
    return _settled(model, device, max_length)


def create(
    name_or_path: str | Path,
    *,
    num_labels: int | Sequence[str] = 1,
    seed: int = 0,
    device: str | torch.device | None = None,
    max_length: int | None = None,
) -> CrossEncoder:
    """Put a fresh head on an encoder: a cross-encoder to be trained, whose scores mean nothing yet.

    Args:
        name_or_path: a text encoder, as for :func:`accord.encoders.load`; its pooling and heads are left behind.
        num_labels: 1 to score pairs, more to sort them into classes; or the names of the classes.
        seed: of the head's weights; the global generator is left as it was.
        device: where to put it.
        max_length: tokens to keep of a pair; what the backbone can read when not given.

    Raises:
        ModelError: a folder that is no transformer encoder, or has a trained head already.
        InputError: fewer than one label, or two of one name.
    """
    changes = _label_changes(num_labels)
    folder = locate(name_or_path)
    if is_cross_encoder(folder):
        raise ModelError(
            f"{folder} is a cross-encoder with a trained head. Load it by accord.encoders.pairs.load, or start from a "
            "text encoder."
        )
    manifest = read_manifest(folder)
    if manifest is not None:
        check_unchanged(folder, manifest)
    modules = read_modules(folder)
    place = modules[0].folder if modules else folder
    if modules and modules[0].kind != "Transformer":
        raise ModelError(f"{folder} has no transformer to put a head on: it starts with {modules[0].kind}.")
    backbone, tokenizer = _read(place, fresh=changes, seed=seed)
    model = CrossEncoder(backbone, _with_types(tokenizer, backbone), max_length=_max_length(place, backbone, tokenizer))
    return _settled(model.eval(), device, max_length)


def read_folder(folder: Path, *, verify: bool) -> CrossEncoder:
    """Read one folder.

    Args:
        folder: holds `config.json`, or `modules.json` with a single Transformer.
        verify: compare its files with the hashes in `accord.json`, where it has one.

    Raises:
        ModelError: see :func:`load`.
    """
    if not is_cross_encoder(folder):
        raise ModelError(
            f"{folder} has no head that scores pairs: it makes vectors. Load it by accord.load, or put a fresh head on "
            f"it by accord.encoders.pairs.create({str(folder)!r}) and train that."
        )
    manifest = read_manifest(folder)
    if verify and manifest is not None:
        check_unchanged(folder, manifest)
    place = _module_folder(folder)
    backbone, tokenizer = _read(place)
    try:
        model = CrossEncoder(
            backbone,
            tokenizer,
            max_length=_max_length(place, backbone, tokenizer),
            activation=_activation(folder, backbone.config),
        )
    except InputError as error:
        raise ModelError(f"{folder}: {error}") from error
    model.metadata = dict(manifest.get("metadata", {})) if manifest else {}
    return model.eval()


def _settled(model: CrossEncoder, device: str | torch.device | None, max_length: int | None) -> CrossEncoder:
    if max_length is not None:
        model.max_length = max_length
    return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def _module_folder(folder: Path) -> Path:
    """Where the transformer is; sentence-transformers 6 may list further modules."""
    path = folder / "modules.json"
    if not path.is_file():
        return folder
    rows = json.loads(path.read_text(encoding="utf-8"))
    kinds = [str(row["type"]).rpartition(".")[2] for row in rows]
    if kinds != ["Transformer"]:
        raise ModelError(
            f"{path}: a cross-encoder of the modules {', '.join(kinds)} is not supported, only a transformer with a "
            "head for sequence classification."
        )
    place = folder / rows[0].get("path", "")
    text = place / "sentence_bert_config.json"
    task = read_object(text).get("transformer_task", "sequence-classification") if text.is_file() else None
    if task not in {None, "sequence-classification"}:
        raise ModelError(f"{text}: the task {task!r} is not supported, only sequence-classification.")
    return place


def _activation(folder: Path, config: Any) -> nn.Module | None:
    """What the folder says, under any of the names that releases gave it."""
    settings = folder / "config_sentence_transformers.json"
    stored = read_object(settings) if settings.is_file() else {}
    prompt = (stored.get("prompts") or {}).get(stored.get("default_prompt_name") or "")
    if prompt:
        raise ModelError(f"{settings}: cross-encoders with a default prompt ({prompt!r}) are not supported.")
    older = getattr(config, "sentence_transformers", None) or {}
    path = (
        stored.get("activation_fn")
        or older.get("activation_fn")
        or getattr(config, "sbert_ce_default_activation_function", None)
    )
    return None if path is None else activation_named(path)


def _label_changes(labels: int | Sequence[str]) -> dict[str, Any]:
    """What the configuration has to say about the labels."""
    if isinstance(labels, int):
        check_at_least("num_labels", labels, 1)
        return {"num_labels": labels}
    names = [str(name) for name in labels]
    if not names or len(set(names)) < len(names):
        raise InputError(f"`num_labels` must be a number or distinct names. Got {names} instead.")
    return {"id2label": dict(enumerate(names)), "label2id": {name: n for n, name in enumerate(names)}}


def _read(folder: Path, *, fresh: dict[str, Any] | None = None, seed: int = 0) -> tuple[Any, Any]:
    """Backbone and tokenizer; with `fresh` changes to the configuration, the head is new."""
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    read_object(folder / "config.json")
    check_weights(folder)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(f"{folder / 'tokenizer.json'} is missing. Restore the file, or save or fetch the model again.")
    try:
        with quiet_transformers(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "head"))
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, **(fresh or {}))
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            if config.pad_token_id is None:
                config.pad_token_id = tokenizer.pad_token_id
            backbone, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                config=config,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{folder} could not be read: {error}") from error
    check_vocabulary(folder, tokenizer, backbone)
    _check_report(folder, backbone, report, fresh=fresh is not None)
    return backbone, tokenizer


def _check_report(folder: Path, backbone: Any, report: Any, *, fresh: bool) -> None:
    """Only the parts of a fresh head may be missing."""
    prefix = f"{backbone.base_model_prefix}."
    missing = [n for n in report["missing_keys"] if not fresh or (n.startswith(prefix) and "pooler." not in n)]
    lost = sorted(missing) + [str(row[0]) for row in report["mismatched_keys"]]
    if lost:
        raise ModelError(
            f"{folder / 'model.safetensors'} lacks {len(lost)} of the model's weights, or has them in another shape "
            f"({lost[0]}, ...). The file belongs to another `config.json`."
        )


def _with_types(tokenizer: Any, backbone: Any) -> Any:
    """The tokenizer, naming token types among its outputs where the backbone has more than one to tell apart."""
    reads = "token_type_ids" in inspect.signature(backbone.forward).parameters
    names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
    if reads and getattr(backbone.config, "type_vocab_size", 0) > 1:
        names.insert(1, "token_type_ids")
    tokenizer.model_input_names = names
    return tokenizer


def _max_length(folder: Path, backbone: Any, tokenizer: Any) -> int:
    asked = min(int(tokenizer.model_max_length), 1 << 20)
    limit = usable_positions(getattr(backbone, backbone.base_model_prefix, backbone))
    found = asked if limit is None else min(asked, limit)
    if found == 1 << 20:
        raise ModelError(f"{folder}: no file says how many tokens the model reads. Set `model_max_length` in "
                         "`tokenizer_config.json`.")  # fmt: skip
    return found
