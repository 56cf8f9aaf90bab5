"""A model folder as merging sees it: the heads of its weight files, and all that must be equal in models that meet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from accord.core.errors import InputError, ModelError
from accord.core.storage import hash_file, hash_json, read_json
from accord.encoders import locate
from accord.encoders.integrity import check_unchanged, read_manifest, read_object
from accord.encoders.kinds import is_cross_encoder
from accord.encoders.modules_file import Module, read_modules, read_pooling, read_text_config
from accord.encoders.static.folder import is_static
from accord.merging.low_rank import AdapterFolder, LowRankChange, changes_of, check_base, read_adapter
from accord.merging.weight_files import Stored, read_weights

__all__ = ["ModelFolder", "Part", "read_model"]

WEIGHTLESS = ("Pooling", "Normalize")
"""Modules without weights."""

FREE = (
    *("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version", "use_cache", "id2label"),
    *("label2id", "gradient_checkpointing", "initializer_range", "output_hidden_states", "output_attentions"),
    *("finetuning_task", "problem_type", "sentence_transformers", "_attn_implementation", "attn_implementation"),
    *("sbert_ce_default_activation_function", "embedding_dtype", "bos_token_id", "eos_token_id", "return_dict"),
)
"""Keys of `config.json` that may differ: they say where a model comes from, or how it was trained."""

TOKENIZER_PARTS = ("model", "added_tokens", "normalizer", "pre_tokenizer", "post_processor")
VOCABULARIES = ("vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model")


@dataclass(frozen=True)
class Part:
    """One module with weights.

    Args:
        kind: the class's own name.
        folder: relative to the model's; "" for the model's own.
        weights: by their names in the files.
    """

    kind: str
    folder: str
    weights: Mapping[str, Stored]


@dataclass(frozen=True)
class ModelFolder:
    """A model folder, from its configurations and the heads of its weight files.

    Args:
        name: as the user called it.
        path: of the folder.
        kind: "encoder", "static" or "cross-encoder".
        modules: kinds of its modules; empty for a plain transformers folder.
        parts: modules with weights; the transformer or the token table first.
        config: of the transformer.
        traits: everything else that decides what the model computes, by name.
        saved: SHA-256 of its files by their names, where accord saved it.
        adapter: low-rank changes that belong to its weights.
    """

    name: str
    path: Path
    kind: str
    modules: tuple[str, ...]
    parts: tuple[Part, ...]
    config: Mapping[str, Any]
    traits: Mapping[str, Any]
    saved: Mapping[str, str] = field(default_factory=dict)
    adapter: AdapterFolder | None = None

    @property
    def changes(self) -> dict[str, LowRankChange]:
        """What an adapter adds to weights, by their names."""
        return {} if self.adapter is None else changes_of(self.adapter, self.parts[0].weights)

    @property
    def tensors(self) -> dict[str, Stored]:
        """All weights: those of the first part under their own names, others as `NUMBER_KIND/NAME`."""
        found = dict(self.parts[0].weights)
        for number, part in enumerate(self.parts[1:], start=1):
            found |= {f"{number}_{part.kind}/{name}": stored for name, stored in part.weights.items()}
        return found

    @property
    def layers(self) -> int:
        """Layers of the transformer; 0 where there is none."""
        names = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
        return next((int(self.config[name]) for name in names if isinstance(self.config.get(name), int)), 0)

    @property
    def tied(self) -> bool:
        """Whether the output of a language model shares the token table."""
        return bool(self.config.get("tie_word_embeddings", True))

    def file_of(self, name: str) -> tuple[str, str]:
        """The folder of a tensor's part, and its name there."""
        number, slash, inner = name.partition("/")
        if slash and number.partition("_")[0].isdigit() and name not in self.parts[0].weights:
            return self.parts[int(number.partition("_")[0])].folder, inner
        return "", name


def read_model(name: str | Path, *, root: Path | None = None) -> ModelFolder:
    """Read all of a model but its weights.

    Args:
        name: a folder, a run folder, ``package:MODULE`` or a hub name; with ``+ADAPTER``, the folder of an adapter that
            was trained on it.
        root: where relative paths start.

    Raises:
        ModelError: a missing, damaged, changed or unsupported file, by name, with the cure.
        InputError: an adapter that does not fit.
    """
    model, plus, adapter = str(name).partition("+")
    if plus and not _local(name, root).exists():
        found = replace(read_model(model, root=root), name=str(name), adapter=read_adapter(_local(adapter, root)))
        _check_adapter(found)
        return found
    path = _place(name, root)
    saved = (read_manifest(path) or {}).get("files", {})
    settings = {file: digest for file, digest in saved.items() if not file.endswith(".safetensors")}
    check_unchanged(path, {"files": settings})  # weights are hashed while they are merged
    if is_cross_encoder(path):
        return replace(_cross_encoder(str(name), path), saved=saved)
    modules = read_modules(path)
    read = _static if is_static(path) else _encoder
    return replace(read(str(name), path, modules), saved=saved)


def _encoder(name: str, path: Path, modules: list[Module]) -> ModelFolder:
    place = modules[0].folder if modules else path
    config = read_object(place / "config.json")
    text = read_text_config(place)
    parts = [Part("Transformer", _relative(place, path), read_weights(place))]
    parts += [_part(module, path) for module in modules[1:] if module.kind not in WEIGHTLESS]
    pooling = next((read_pooling(module.folder) for module in modules if module.kind == "Pooling"), None)
    traits = {
        "tokenizer": _tokenizer(place),
        "letter case": bool(text.get("do_lower_case", False)),
        **({} if pooling is None else {"pooling": [type(one).__name__ for one in pooling[0]]}),
        **({} if pooling is None else {"prompts in the pooling": pooling[1]}),
        **_heads(modules),
        **_settings(path),
        "max_length": text.get("max_seq_length") or _longest(place),
    }
    return ModelFolder(name, path, "encoder", tuple(m.kind for m in modules), tuple(parts), config, traits)


def _local(name: str | Path, root: Path | None) -> Path:
    return (root or Path()) / Path(name).expanduser()


def _place(name: str | Path, root: Path | None) -> Path:
    text = str(name)
    if not text.startswith("package:") and _local(name, root).exists():
        return locate(_local(name, root))
    if "@" in text:
        raise InputError(f"`{text}`: revisions are not supported. Fetch that one into a folder, and name the folder.")
    return locate(name)


def _check_adapter(model: ModelFolder) -> None:
    for name, change in model.changes.items():
        shape = model.parts[0].weights[name].shape
        if shape != change.shape:
            raise InputError(
                f"{model.name}: the adapter changes `{name}` by a matrix of the shape {list(change.shape)}, and the "
                f"model has {list(shape)}. Name the base that it was trained on."
            )
    if model.adapter is not None:
        check_base(model.adapter, model.path / model.parts[0].folder, model.parts[0].weights)


def _cross_encoder(name: str, path: Path) -> ModelFolder:
    modules = path / "modules.json"
    rows = json.loads(modules.read_text(encoding="utf-8")) if modules.is_file() else [{"path": ""}]
    place = path / rows[0].get("path", "")
    config = read_object(place / "config.json")
    settings = read_object(path / SETTINGS) if (path / SETTINGS).is_file() else {}
    older = config.get("sentence_transformers") or {}
    activation = settings.get("activation_fn") or older.get("activation_fn")
    traits = {
        "tokenizer": _tokenizer(place),
        "labels": config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"},
        "activation": activation or config.get("sbert_ce_default_activation_function"),
        "max_length": _longest(place),
    }
    part = Part("Transformer", _relative(place, path), read_weights(place))
    return ModelFolder(name, path, "cross-encoder", (), (part,), config, traits)


def _static(name: str, path: Path, modules: list[Module]) -> ModelFolder:
    place = modules[0].folder if modules else path
    weights = read_weights(place)
    table = "embeddings" if "embeddings" in weights else "embedding.weight"
    if table in weights and not weights[table].is_float:
        raise ModelError(f"{path}: its token table is stored as {weights[table].dtype}, and rounded rows cannot be "
                         "merged. Save the model with `stored=\"float32\"` first.")  # fmt: skip
    config = read_object(path / "config.json") if (path / "config.json").is_file() else {}
    parts = [Part("StaticEmbedding", _relative(place, path), weights)]
    parts += [_part(module, path) for module in modules[1:] if module.kind not in WEIGHTLESS]
    normalized = bool(config.get("normalize")) or any(module.kind == "Normalize" for module in modules)
    kinds = tuple(module.kind for module in modules)
    traits = {"tokenizer": _tokenizer(place), "unit length": normalized, **_heads(modules), **_settings(path)}
    traits["max_length"] = config.get("max_length")
    return ModelFolder(name, path, "static", kinds, tuple(parts), config, traits)


def _part(module: Module, root: Path) -> Part:
    return Part(module.kind, _relative(module.folder, root), read_weights(module.folder))


def _relative(folder: Path, root: Path) -> str:
    name = str(folder.relative_to(root))
    return "" if name == "." else name


def _heads(modules: list[Module]) -> dict[str, Any]:
    """What the modules after the transformer are and how they are set, without what releases call them."""
    found = []
    for module in modules[1:]:
        config = read_object(module.folder / "config.json") if module.kind not in WEIGHTLESS else {}
        names = ("in_features", "out_features", "bias", "dimension", "num_hidden_layers", "layer_start")
        told: dict[str, Any] = {name: config[name] for name in names if name in config}
        if module.kind == "Dense":
            told["activation"] = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
        found.append({module.kind: told} if told else module.kind)
    return {"heads": [head for head in found if head != "Pooling"]} if modules else {}


SETTINGS = "config_sentence_transformers.json"


def _settings(folder: Path) -> dict[str, Any]:
    config = read_object(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    prompts = {name: text for name, text in (config.get("prompts") or {}).items() if text}
    default = config.get("default_prompt_name")
    return {
        "prompts": prompts,
        "default prompt": default if default in prompts else None,
        "similarity": config.get("similarity_fn_name") or "cosine",
    }


def _longest(folder: Path) -> int | None:
    path = folder / "tokenizer_config.json"
    length = read_object(path).get("model_max_length") if path.is_file() else None
    return int(length) if isinstance(length, (int, float)) and length < 1 << 30 else None


def _tokenizer(folder: Path) -> dict[str, str]:
    """Hashes of what decides the tokens of a text, without how long it may be and how it is padded."""
    path = folder / "tokenizer.json"
    if path.is_file():
        return dict(_tokenizer_parts(_Content(hash_file(path), path)))
    return {name: hash_file(folder / name) for name in VOCABULARIES if (folder / name).is_file()}


@dataclass(frozen=True)
class _Content:
    """A file that equals every file of the same hash."""

    digest: str
    path: Path = field(compare=False)


@lru_cache(maxsize=16)
def _tokenizer_parts(file: _Content) -> tuple[tuple[str, str], ...]:
    """Hashes of the parts of a `tokenizer.json`, worked out once for all files of one content."""
    try:
        whole = read_json(file.path)
    except ValueError as error:
        raise ModelError(f"{file.path} is not valid JSON ({error}). Copy or fetch the file again.") from error
    return tuple((part, hash_json(whole.get(part))) for part in TOKENIZER_PARTS)
