"""Read a model folder: any of sentence-transformers' text encoders, a plain transformers folder, or accord's own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn

from accord.core.errors import ModelError
from accord.encoders.attention import check_attention
from accord.encoders.integrity import check_unchanged, read_manifest, read_object
from accord.encoders.kinds import is_cross_encoder
from accord.encoders.language.saving import read_heads
from accord.encoders.modules_file import (
    HEADS,
    Module,
    read_head,
    read_layer_mix,
    read_modules,
    read_pooling,
    read_text_config,
)
from accord.encoders.places import locate
from accord.encoders.pooling import Last, Mean
from accord.encoders.static.encoder import StaticEncoder
from accord.encoders.static.folder import is_static, read_static
from accord.encoders.text.layers import usable_positions
from accord.encoders.text.reading import read_backbone
from accord.encoders.text.transformer import TextEncoder
from accord.maths.similarity import SIMILARITIES

__all__ = ["load", "read_folder"]

logger = logging.getLogger(__name__)


def load(
    name_or_path: str | Path,
    *,
    device: str | torch.device | None = None,
    max_length: int | None = None,
    attention: str | None = None,
) -> TextEncoder | StaticEncoder:
    """Load a text encoder, in float32 and in evaluation mode.

    Args:
        name_or_path: a sentence-transformers folder, a plain transformers folder, a run folder, ``package:MODULE``, or
            a name on the hub.
        device: where to put it; a GPU where there is one, else the processor.
        max_length: tokens to keep of a text, instead of what the model says.
        attention: "bidirectional" lets the tokens of a decoder see those after them, "causal" only those before; as the
            model was built or saved when not given. That it took effect is checked on texts.

    Returns:
        The encoder.

    Raises:
        ModelError: a missing, damaged, changed or unsupported file, by name, with the cure; a tokenizer of another
            model; a switch of attention that takes no effect.
        InputError: a maximum length that the model has no positions for.
    """
    encoder = read_folder(locate(name_or_path), verify=True, attention=attention)
    if max_length is not None:
        encoder.max_length = max_length
    return encoder.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def read_folder(folder: Path, *, verify: bool, attention: str | None = None) -> TextEncoder | StaticEncoder:
    """Read one folder.

    Args:
        folder: holds `modules.json` or `config.json`.
        verify: compare its files with the hashes in `accord.json`, where it has one, and the direction of its attention
            with what is asked for.
        attention: as for :func:`load`.

    Raises:
        ModelError: see :func:`load`.
    """
    if is_cross_encoder(folder):
        raise ModelError(
            f"{folder} is a cross-encoder: it scores pairs of texts and makes no vectors. Load it by "
            "accord.encoders.pairs.load, or apply it by `accord rerank`."
        )
    manifest = read_manifest(folder)
    if verify and manifest is not None:
        check_unchanged(folder, manifest)
    if is_static(folder):
        if attention is not None:
            raise ModelError(f"{folder}: `attention` is {attention!r}, and a static model has none. Leave it out.")
        static = read_static(folder, _settings(folder))
        static.metadata = dict(manifest.get("metadata", {})) if manifest else {}
        return static
    modules = read_modules(folder)
    place = modules[0].folder if modules else folder
    text_config = read_text_config(place)
    backbone, tokenizer = read_backbone(place, text_config, attention=attention)
    pooling, include_prompt = _pooling(folder, modules, backbone)
    encoder = TextEncoder(
        backbone,
        tokenizer,
        pooling,
        [read_head(module) for module in modules if module.kind in HEADS],
        max_length=_max_length(place, backbone, tokenizer, text_config),
        include_prompt=include_prompt,
        **_settings(folder),
    )
    encoder.layer_mix = next((read_layer_mix(m, backbone) for m in modules if m.kind == "WeightedLayerPooling"), None)
    encoder.token_heads.update(read_heads(folder))
    encoder.metadata = dict(manifest.get("metadata", {})) if manifest else {}
    encoder.eval()
    if verify:
        check_attention(encoder, folder, asked=attention, saved=(manifest or {}).get("identity", {}).get("attention"))
    return encoder


def _pooling(folder: Path, modules: list[Module], backbone: Any) -> tuple[list[nn.Module], bool]:
    """What `modules.json` says; else what sentence-transformers assumes: the last token of a model made to write on."""
    for module in modules:
        if module.kind == "Pooling":
            return read_pooling(module.folder)
    writes = str((getattr(backbone.config, "architectures", None) or [""])[0]).endswith("ForCausalLM")
    last = writes and getattr(backbone.config, "is_causal", True)
    words = "last-token" if last else "mean"
    logger.warning("%s has no modules.json: %s pooling without normalisation is assumed", folder, words)
    return [Last() if last else Mean()], True


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "config_sentence_transformers.json"
    config = read_object(path) if path.is_file() else {}
    if config.get("truncate_dim") is not None:
        raise ModelError(
            f"{path}: `truncate_dim` is not supported, as releases disagree about it. Remove it, and ask for the "
            "dimensions with `view=View(dim=...)` or cut the model with `.cut(View(dim=...))`."
        )
    similarity = config.get("similarity_fn_name") or "cosine"
    if similarity not in SIMILARITIES:
        raise ModelError(f"{path}: the similarity {similarity!r} is not supported. Known: {', '.join(SIMILARITIES)}.")
    return {
        "prompts": {name: text or "" for name, text in (config.get("prompts") or {}).items()},
        "default_prompt_name": config.get("default_prompt_name"),
        "similarity_name": similarity,
    }


def _max_length(folder: Path, backbone: Any, tokenizer: Any, text_config: dict[str, Any]) -> int:
    limit = usable_positions(backbone)
    asked = text_config.get("max_seq_length") or min(int(tokenizer.model_max_length), 1 << 20)
    if limit is not None and asked > limit:
        if text_config.get("max_seq_length"):
            logger.warning("%s asks for %d tokens; the backbone has positions for %d", folder, asked, limit)
        return limit
    if asked == 1 << 20:
        raise ModelError(f"{folder}: no file says how many tokens the model reads. Set `max_seq_length` in "
                         "`sentence_bert_config.json`.")  # fmt: skip
    return int(asked)
