"""Read a backbone with its tokenizer, and see that the two belong together."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from accord.core.errors import ModelError
from accord.encoders.direction import switch_attention
from accord.encoders.integrity import check_weights, read_object
from accord.encoders.quiet import quiet_transformers
from accord.encoders.text.vocabulary import check_vocabulary

__all__ = ["read_backbone"]

logger = logging.getLogger(__name__)

TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model")
HUB_KEYS = frozenset({"subfolder", "token", "cache_dir", "revision", "local_files_only", "trust_remote_code"})


def read_backbone(folder: Path, text_config: dict[str, Any], *, attention: str | None = None) -> tuple[Any, Any]:
    """The transformer of a folder in float32, and its tokenizer.

    Args:
        folder: holds `config.json`, weights and tokenizer.
        text_config: what sentence-transformers says of it, for letter case and changes to the configuration.
        attention: "bidirectional" or "causal" to switch it; whether that took effect is not looked at here.

    Raises:
        ModelError: a missing, damaged or unsupported file, or a tokenizer of another model.
    """
    from transformers import AutoModel, AutoTokenizer

    import accord.encoders.text.sliced  # noqa: F401 -- transformers knows the kind from then on

    read_object(folder / "config.json")
    check_weights(folder)
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise ModelError(f"{folder / 'tokenizer.json'} is missing. Restore the file, or save or fetch the model again.")
    try:
        with quiet_transformers():
            config = _read_config(folder, text_config)
            if attention is not None:
                config = switch_attention(config, attention)
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
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{folder} could not be read: {error}") from error
    _check_report(folder, backbone, report)
    check_vocabulary(folder, tokenizer, backbone)
    if text_config.get("do_lower_case"):
        _lower_case(tokenizer)
    return backbone, tokenizer


def _read_config(folder: Path, text_config: dict[str, Any]) -> Any:
    """`config.json` with the changes that sentence-transformers makes to it; no cache of keys and values is kept.

    Raises:
        ModelError: not a model of text alone.
    """
    from transformers import AutoConfig

    changes = text_config.get("config_kwargs") or text_config.get("config_args") or {}
    changes = {name: value for name, value in changes.items() if name not in HUB_KEYS}
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, **changes)
    ignored = [name for name in changes if not hasattr(config, name)]
    if ignored:
        logger.warning("%s: `config_kwargs` sets %s, which this model ignores", folder, ", ".join(ignored))
    path = folder / "config.json"
    if config.is_encoder_decoder:
        raise ModelError(f"{path}: {config.model_type} is an encoder-decoder; not supported.")
    if config.get_text_config() is not config:
        raise ModelError(f"{path}: {config.model_type} reads more than text; not supported.")
    if getattr(config, "use_cache", False):
        config.use_cache = False
    return config


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
