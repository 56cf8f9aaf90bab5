"""Write a static encoder's files so that sentence-transformers and model2vec read them too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from accord.encoders.heads import Normalize
from accord.encoders.saving import LEGACY, write_head, write_json, write_settings
from accord.encoders.static.rounding import STORED

__all__ = ["write_static"]


def write_static(encoder: Any, folder: Path) -> None:
    """Fill a folder: one `StaticEmbedding` at its root, then the heads.

    `config.json` makes it a model2vec folder. It is left out where there is another head than `Normalize`, which
    model2vec would pass over in silence; without it, model2vec refuses the folder.

    Args:
        encoder: a :class:`~accord.encoders.static.StaticEncoder`.
        folder: exists and is empty.
    """
    _write_table(encoder, folder)
    backend = Tokenizer.from_str(encoder.tokenizer.to_str())
    backend.no_padding()
    backend.no_truncation()
    if encoder.max_length is not None:
        backend.enable_truncation(encoder.max_length)
    backend.save(str(folder / "tokenizer.json"), pretty=False)
    heads = list(encoder.heads)
    rows = [(".", "StaticEmbedding")]
    rows += [(f"{n}_{type(head).__name__}", type(head).__name__) for n, head in enumerate(heads, start=1)]
    write_json(
        folder / "modules.json",
        [{"idx": n, "name": str(n), "path": path, "type": LEGACY + kind} for n, (path, kind) in enumerate(rows)],
    )
    write_settings(encoder, folder)
    for number, head in enumerate(heads, start=1):
        write_head(head, folder / f"{number}_{type(head).__name__}")
    if all(isinstance(head, Normalize) for head in heads):
        write_json(folder / "config.json", _model2vec_config(encoder))


def _write_table(encoder: Any, folder: Path) -> None:
    """`embeddings` in the type that was asked for, where it holds the numbers without loss, else in float32."""
    table = encoder.backbone
    numbers = table.embeddings.detach().cpu()
    small = numbers.to(STORED[encoder.stored])
    tensors = {"embeddings": small if torch.equal(small.float(), numbers) else numbers}
    tensors |= {n: t.cpu() for n, t in (("weights", table.weights), ("mapping", table.mapping)) if t is not None}
    save_file({n: t.contiguous() for n, t in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})


def _model2vec_config(encoder: Any) -> dict[str, Any]:
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": encoder.dim,
        "normalize": encoder.normalizes,
        "max_length": encoder.max_length,
        "embedding_dtype": encoder.stored,
        "unknown": "skip" if encoder.skip_unknown else "keep",
    }
    if encoder.backbone.mapping is not None:
        config["vocabulary_quantization"] = len(encoder.backbone.embeddings)
    return config
