"""One hash for what decides an encoder's vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from accord.encoders.base import Encoder
from accord.encoders.direction import asked_direction

__all__ = ["fingerprint", "hash_tensors", "identity"]


def identity(encoder: Encoder) -> dict[str, object]:
    """What decides the vectors besides the weights, in plain words; each entry may change alone.

    >>> from accord.encoders.heads import Normalize
    >>> type(Normalize()).__name__
    'Normalize'
    """
    switched = asked_direction(getattr(encoder.backbone, "config", None))
    mix = getattr(encoder, "layer_mix", None)
    return {
        **({} if switched is None else {"attention_switch": switched}),
        **({} if mix is None else {"layer_mix": repr(mix)}),
        "backbone": type(encoder.backbone).__name__,
        "layers": encoder.num_layers,
        "dim": encoder.dim,
        "pooling": [type(pooling).__name__ for pooling in encoder.pooling],
        "include_prompt": encoder.include_prompt,
        "heads": [repr(head) for head in encoder.heads],
        "normalizes": encoder.normalizes,
        "prompts": {name: text for name, text in sorted(encoder.prompts.items()) if text},
        "default_prompt_name": encoder.default_prompt_name,
        "similarity": encoder.similarity_name,
        "max_length": encoder.max_length,
    }


def fingerprint(encoder: Encoder, *, vocabulary: str) -> str:
    """SHA-256 over the weights (name, type, shape, bytes), :func:`identity` and the vocabulary.

    Args:
        encoder: whose.
        vocabulary: the tokens in the order of their ids.

    Returns:
        64 hexadecimal digits; equal after saving and loading.
    """
    digest = hashlib.sha256(json.dumps(identity(encoder), sort_keys=True, ensure_ascii=False).encode())
    digest.update(vocabulary.encode("utf-8", "surrogateescape"))
    deciding = {name: t for name, t in encoder.state_dict().items() if not name.startswith("token_heads.")}
    digest.update(hash_tensors(deciding).encode())
    return digest.hexdigest()


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over tensors: name, type, shape and bytes of each, whatever their order.

    >>> hash_tensors({"a": torch.zeros(2)}) == hash_tensors({"a": torch.zeros(1, 2)})
    False
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
