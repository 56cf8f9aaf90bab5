"""Read the folders of static models: model2vec's, and sentence-transformers' `StaticEmbedding`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from accord.core.errors import InputError, ModelError
from accord.encoders.heads import Normalize
from accord.encoders.integrity import check_weights, read_object
from accord.encoders.modules_file import read_head, read_modules
from accord.encoders.static.encoder import StaticEncoder
from accord.encoders.static.rounding import STORED
from accord.encoders.static.table import TokenTable

__all__ = ["is_static", "read_static", "table_width"]

logger = logging.getLogger(__name__)

MODEL2VEC_LENGTH = 512
"""Tokens that model2vec keeps of a text where a folder does not say."""


def is_static(folder: Path) -> bool:
    """Whether a folder holds a token table rather than a transformer.

    Raises:
        ModelError: a configuration that is not JSON.
    """
    modules = folder / "modules.json"
    if modules.is_file():
        try:
            kinds = [str(row["type"]) for row in json.loads(modules.read_text(encoding="utf-8"))]
        except (ValueError, KeyError, TypeError):
            return False  # the reader of modules says what is wrong
        return bool(kinds) and kinds[0].rpartition(".")[2] == "StaticEmbedding"
    path = folder / "config.json"
    config = read_object(path) if path.is_file() else {}
    return config.get("model_type") == "model2vec" or "embedding_dtype" in config


def read_static(folder: Path, settings: Mapping[str, Any]) -> StaticEncoder:
    """Read one folder.

    A model2vec folder is read as model2vec reads it: unknown tokens are left out, and 512 tokens are kept where its
    `config.json` does not say. One of sentence-transformers keeps both, unless its tokenizer cuts.

    Args:
        folder: holds `modules.json` or model2vec's `config.json`.
        settings: prompts, default prompt and similarity, as :class:`StaticEncoder` takes them.

    Raises:
        ModelError: a missing, damaged or unfitting file, by name, with the cure.
    """
    modules = read_modules(folder)
    place = modules[0].folder if modules else folder
    check_weights(place)
    path = place / "tokenizer.json"
    if not path.is_file():
        raise ModelError(f"{path} is missing. Restore the file, or save or fetch the model again.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises nothing more precise
        raise ModelError(f"{path} could not be read: {error}. Copy or fetch the file again.") from error
    config = read_object(folder / "config.json") if (folder / "config.json").is_file() else None  # model2vec's alone
    heads = [read_head(module) for module in modules[1:]]
    if config is not None and config.get("normalize") and not heads:
        heads = [Normalize()]
    embeddings, weights, mapping = _tensors(place / "model.safetensors", normalized=bool(heads))
    try:
        encoder = StaticEncoder(
            TokenTable(embeddings, weights=weights, mapping=mapping),
            tokenizer,
            heads,
            max_length=_max_length(config, tokenizer),
            skip_unknown=config is not None and config.get("unknown", "skip") == "skip",
            stored=next((name for name, kind in STORED.items() if kind == embeddings.dtype), "float32"),
            **settings,
        )
    except InputError as error:
        raise ModelError(f"{place}: {error}") from error
    return encoder.eval()


def table_width(folder: Path) -> int:
    """Dimensions of a static model's table, from the head of its file.

    Raises:
        ModelError: a missing or damaged file.
    """
    modules = read_modules(folder)
    place = modules[0].folder if modules else folder
    check_weights(place)
    with safe_open(place / "model.safetensors", framework="np") as tensors:
        for name in ("embeddings", "embedding.weight"):
            if name in tensors.keys():  # noqa: SIM118 -- not a mapping
                return int(tensors.get_slice(name).get_shape()[1])
    raise ModelError(f"{place / 'model.safetensors'} holds no token table. It is no static model.")


def _tensors(path: Path, *, normalized: bool) -> tuple[Tensor, Tensor | None, Tensor | None]:
    tensors = load_file(path)
    embeddings = tensors.get("embeddings", tensors.get("embedding.weight"))
    if embeddings is None:
        raise ModelError(f"{path} holds neither `embeddings` nor `embedding.weight`. It is no static model.")
    weights, mapping = tensors.get("weights"), tensors.get("mapping")
    if embeddings.dtype == torch.int8 and weights is None and not normalized:
        logger.warning("%s holds int8 numbers without their scale: compare vectors by cosine only", path)
    if weights is not None and mapping is None and embeddings.dtype != torch.int8:
        rows = min(len(embeddings), len(weights))
        embeddings, weights = embeddings[:rows].float() * weights[:rows, None].float(), None
    return embeddings, weights, mapping


def _max_length(config: Mapping[str, Any] | None, tokenizer: Tokenizer) -> int | None:
    if config is not None:
        return config.get("max_length", MODEL2VEC_LENGTH)
    cut = tokenizer.truncation
    return None if cut is None else int(cut["max_length"])
