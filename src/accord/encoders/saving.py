"""Write a model folder that sentence-transformers 5.1 and 6 load without flags, and accord with its proofs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accord._version import __version__
from accord.core.errors import InputError
from accord.core.storage import atomic_folder, hash_folder
from accord.encoders.base import Encoder
from accord.encoders.description import describe
from accord.encoders.encode import encode_few
from accord.encoders.heads import Dense, LayerNorm
from accord.encoders.integrity import MANIFEST, MODEL_FORMAT
from accord.encoders.modules_file import POOLINGS
from accord.encoders.probes import PROBES
from accord.encoders.quiet import quiet_transformers

__all__ = ["probe_vectors", "save_encoder"]

LEGACY = "sentence_transformers.models."
DECLARED = {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}
"""Low on purpose: older releases warn about folders that declare a newer one."""
PROMPTED = 2
"""Probe texts stored for each prompt."""


def save_encoder(encoder: Encoder, path: Path, *, metadata: Mapping[str, Any]) -> None:
    """Write the folder; see :meth:`accord.encoders.TextEncoder.save`.

    Raises:
        InputError: `path` is a file or a folder of something else, or the metadata is no JSON.
        StorageError: the disk is full or refuses.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / "config.json").is_file()):
        raise InputError(f"{path} holds something else than a model. Choose another folder.")
    try:
        metadata = json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"`metadata` must be JSON: {error}.") from error
    manifest = {
        "format": MODEL_FORMAT,
        "version": __version__,
        "fingerprint": encoder.fingerprint(),
        "metadata": metadata,
        "probes": probe_vectors(encoder),
    }
    with atomic_folder(path) as folder:
        _write_backbone(encoder, folder)
        _write_modules(encoder, folder)
        _write(folder / "README.md", _card(encoder))
        manifest |= {"identity": describe(encoder, folder), "files": hash_folder(folder)}
        _write_json(folder / MANIFEST, manifest)


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


def _write_backbone(encoder: Encoder, folder: Path) -> None:
    with quiet_transformers():
        encoder.backbone.save_pretrained(folder, safe_serialization=True)
    tokenizer = encoder.tokenizer
    backend = type(tokenizer.backend_tokenizer).from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_padding()
    backend.no_truncation()
    _write(folder / "tokenizer.json", backend.to_str(pretty=False))
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    _write_json(folder / "special_tokens_map.json", special)
    _write_json(
        folder / "tokenizer_config.json",
        {
            **special,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": encoder.max_length,
            "model_input_names": list(tokenizer.model_input_names),
            "padding_side": "right",
            "truncation_side": "right",
            "clean_up_tokenization_spaces": False,
        },
    )
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": encoder.max_length, "do_lower_case": False})


def _write_modules(encoder: Encoder, folder: Path) -> None:
    rows = [("", "Transformer"), ("1_Pooling", "Pooling")]
    rows += [(f"{n}_{type(head).__name__}", type(head).__name__) for n, head in enumerate(encoder.heads, start=2)]
    _write_json(
        folder / "modules.json",
        [{"idx": n, "name": str(n), "path": path, "type": LEGACY + kind} for n, (path, kind) in enumerate(rows)],
    )
    _write_json(
        folder / "config_sentence_transformers.json",
        {
            "__version__": DECLARED,
            "prompts": encoder.prompts,
            "default_prompt_name": encoder.default_prompt_name,
            "similarity_fn_name": encoder.similarity_name,
        },
    )
    chosen = {type(pooling) for pooling in encoder.pooling}
    _write_json(
        folder / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": encoder.backbone.config.hidden_size,
            **{switch: kind in chosen for switch, kind in POOLINGS.values()},
            "include_prompt": encoder.include_prompt,
        },
    )
    for number, head in enumerate(encoder.heads, start=2):
        _write_head(head, folder / f"{number}_{type(head).__name__}")


def _write_head(head: Any, folder: Path) -> None:
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
    _write_json(folder / "config.json", config)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()}
    if weights:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _card(encoder: Encoder) -> str:
    return (
        "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\ntags:\n- sentence-transformers\n"
        "- accord\n---\n\n# A text encoder\n\n"
        f"Vectors of {encoder.dim} dimensions, compared by {encoder.similarity_name}; texts of up to "
        f"{encoder.max_length} tokens. Saved by accord {__version__}.\n\n"
        "```python\nfrom sentence_transformers import SentenceTransformer\n\n"
        'model = SentenceTransformer("path/to/this/folder")\nvectors = model.encode(["a text"])\n```\n'
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_json(path: Path, value: object) -> None:
    _write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
