"""Read a model folder: any of sentence-transformers' text encoders, a plain transformers folder, or accord's own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn

from accord.core.errors import ModelError
from accord.encoders.integrity import check_unchanged, check_weights, read_manifest, read_object
from accord.encoders.modules_file import Module, read_head, read_modules, read_pooling, read_text_config
from accord.encoders.places import locate
from accord.encoders.pooling import Mean
from accord.encoders.quiet import quiet_transformers
from accord.encoders.text.layers import usable_positions
from accord.encoders.text.transformer import TextEncoder
from accord.maths.similarity import SIMILARITIES

__all__ = ["load", "read_folder"]

logger = logging.getLogger(__name__)


def load(
    name_or_path: str | Path, *, device: str | torch.device | None = None, max_length: int | None = None
) -> TextEncoder:
    """Load a text encoder, in float32 and in evaluation mode.

    Args:
        name_or_path: a sentence-transformers folder, a plain transformers folder, a run folder, ``package:MODULE``, or
            a name on the hub.
        device: where to put it; a GPU where there is one, else the processor.
        max_length: tokens to keep of a text, instead of what the model says.

    Returns:
        The encoder.

    Raises:
        ModelError: a missing, damaged, changed or unsupported file, by name, with the cure.
        InputError: a maximum length that the model has no positions for.
    """
    encoder = read_folder(locate(name_or_path), verify=True)
    if max_length is not None:
        encoder.max_length = max_length
    return encoder.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def read_folder(folder: Path, *, verify: bool) -> TextEncoder:
    """Read one folder.

    Args:
        folder: holds `modules.json` or `config.json`.
        verify: compare its files with the hashes in `accord.json`, where it has one.

    Raises:
        ModelError: see :func:`load`.
    """
    manifest = read_manifest(folder)
    if verify and manifest is not None:
        check_unchanged(folder, manifest)
    modules = read_modules(folder)
    if modules:
        pooling, include_prompt = read_pooling(modules[1].folder)
    else:
        logger.warning("%s has no modules.json: mean pooling without normalisation is assumed", folder)
        pooling, include_prompt = [Mean()], True
    place = modules[0].folder if modules else folder
    text_config = read_text_config(place)
    backbone, tokenizer = _read_backbone(place, text_config)
    encoder = TextEncoder(
        backbone,
        tokenizer,
        pooling,
        _heads(modules),
        max_length=_max_length(place, backbone, tokenizer, text_config),
        include_prompt=include_prompt,
        **_settings(folder),
    )
    encoder.metadata = dict(manifest.get("metadata", {})) if manifest else {}
    return encoder.eval()


def _heads(modules: list[Module]) -> list[nn.Module]:
    return [read_head(module) for module in modules[2:]]


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


def _read_backbone(folder: Path, text_config: dict[str, Any]) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    read_object(folder / "config.json")
    check_weights(folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt", "vocab.json")):
        raise ModelError(f"{folder / 'tokenizer.json'} is missing. Restore the file, or save or fetch the model again.")
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            if config.is_encoder_decoder:
                raise ModelError(f"{folder / 'config.json'}: {config.model_type} is an encoder-decoder; not supported.")
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            backbone, report = AutoModel.from_pretrained(
                folder,
                config=config,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{folder} could not be read: {error}") from error
    _check_report(folder, backbone, report)
    if text_config.get("do_lower_case"):
        _lower_case(tokenizer)
    return backbone, tokenizer


def _check_report(folder: Path, backbone: Any, report: Any) -> None:
    """An untrained pooler is dropped; any other missing weight is an error."""
    missing = set(report["missing_keys"])
    poolers = {name for name in missing if name.startswith("pooler.")}
    if poolers:
        backbone.pooler = None
    lost = sorted(missing - poolers) + [str(row[0]) for row in report["mismatched_keys"]]
    if lost:
        raise ModelError(
            f"{folder / 'model.safetensors'} lacks {len(lost)} of the backbone's weights, or has them in another shape "
            f"({lost[0]}, ...). The file belongs to another `config.json`."
        )


def _lower_case(tokenizer: Any) -> None:
    from tokenizers.normalizers import Lowercase, Sequence

    backend = tokenizer.backend_tokenizer
    backend.normalizer = Sequence([Lowercase(), *([backend.normalizer] if backend.normalizer else [])])


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
