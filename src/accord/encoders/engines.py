"""Which way a batch goes through an encoder: through its backbone as it is, or packed; in float32 or in bfloat16."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from accord.core.checks import check_choice
from accord.core.types import Ragged, View
from accord.encoders.base import Encoder, Tokens
from accord.encoders.packed import PackedBert, packed_program

__all__ = ["PRECISIONS", "Engine", "choose_engine", "native_bfloat16", "plain_engine"]

logger = logging.getLogger(__name__)

PRECISIONS = ("float32", "bfloat16", "auto")
MINIMUM_COSINE = {torch.float32: 1 - 1e-6, torch.bfloat16: 0.9999}
PROBES = 16
WORTHWHILE = 4096
"""Tokens from which laying out the weights anew pays."""


class Engine(Protocol):
    """Rows of ids to vectors."""

    def __call__(self, ids: Ragged, rows: np.ndarray, *, prompt_tokens: int) -> np.ndarray:
        """(rows, dim) float32."""
        ...

    def several(self, ids: Ragged, rows: np.ndarray, views: Sequence[View], *, prompt_tokens: int) -> list[np.ndarray]:
        """(rows, dim) float32 for each of some views of one width, from one pass."""
        ...


class _Plain:
    """The backbone as it is, on padded batches."""

    def __init__(self, encoder: Encoder, view: View, dtype: torch.dtype) -> None:
        self.encoder, self.view, self.dtype = encoder, view, dtype

    def __call__(self, ids: Ragged, rows: np.ndarray, *, prompt_tokens: int) -> np.ndarray:
        return self.several(ids, rows, (self.view,), prompt_tokens=prompt_tokens)[0]

    def several(self, ids: Ragged, rows: np.ndarray, views: Sequence[View], *, prompt_tokens: int) -> list[np.ndarray]:
        batch = self.encoder.collate(ids, rows, prompt_tokens=prompt_tokens).to(self.encoder.device)
        half = self.dtype != torch.float32
        with torch.autocast(self.encoder.device.type, dtype=torch.bfloat16, enabled=half):
            pooled = self.encoder(batch, tuple(views)).pooled
        return [pooled[view].float().cpu().numpy() for view in views]


class _Packed:
    """Without padding, on weights laid out beforehand."""

    def __init__(self, encoder: Any, view: View, program: PackedBert) -> None:
        self.encoder, self.view, self.program = encoder, view, program  # of a transformer: it pools and projects

    def __call__(self, ids: Ragged, rows: np.ndarray, *, prompt_tokens: int) -> np.ndarray:
        return self.several(ids, rows, (self.view,), prompt_tokens=prompt_tokens)[0]

    def several(self, ids: Ragged, rows: np.ndarray, views: Sequence[View], *, prompt_tokens: int) -> list[np.ndarray]:
        found, segments = self.program.after(ids, rows, [view.layer for view in views])
        parts = []
        for view, tokens in zip(views, found):
            pooled = []
            for start, texts, length in segments:
                part = tokens[start : start + texts * length].view(texts, length, -1)
                pooled.append(self.encoder.pool(part, torch.ones(texts, length), prompt_tokens=prompt_tokens))
            parts.append(self.encoder.project(torch.cat(pooled), dim=view.dim).numpy())
        return parts


class _Known:
    """What was found out about an encoder's weights as they are now."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.programs: dict[torch.dtype, PackedBert | None] = {}
        self.verdicts: dict[object, bool] = {}


_KNOWN: WeakKeyDictionary[Encoder, _Known] = WeakKeyDictionary()


def choose_engine(encoder: Encoder, tokens: Tokens, precision: str, view: View) -> Engine:
    """The fastest way whose vectors agree with the plain float32 pass on 16 of the texts at hand.

    Layouts and verdicts are kept until the weights change.

    Args:
        encoder: in evaluation mode.
        tokens: of the texts to encode, or of the first many.
        precision: one of :data:`PRECISIONS`.
        view: which layer and how many dimensions.

    Raises:
        InputError: another precision.
    """
    check_choice("precision", precision, PRECISIONS)
    half = precision == "bfloat16" or (precision == "auto" and native_bfloat16(encoder.device))
    plain = _Plain(encoder, view, torch.float32)
    whole = view.width is None  # the packed layout holds weights of the whole width
    worthwhile = whole and encoder.device.type == "cpu" and len(tokens.ids.values) >= WORTHWHILE
    if len(tokens.ids) == 0 or not (half or worthwhile):
        return plain
    known = _KNOWN.get(encoder)
    key = _weights_key(encoder)
    if known is None or known.key != key:
        known = _KNOWN[encoder] = _Known(key)
    for dtype, packed in _candidates(half, worthwhile):
        engine = _engine(encoder, known, view, dtype, packed=packed)
        if engine is not None and _agrees(known, engine, plain, tokens, (dtype, packed)):
            return engine
    return plain


def plain_engine(encoder: Encoder, view: View = View()) -> Engine:  # noqa: B008
    """The backbone as it is, in float32."""
    return _Plain(encoder, view, torch.float32)


def native_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are native on this device, hence faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, lambda: False)() for name in names)


def _candidates(half: bool, worthwhile: bool) -> Iterator[tuple[torch.dtype, bool]]:
    """Types and whether packed, the fastest first."""
    if half and worthwhile:
        yield torch.bfloat16, True
    if half:
        yield torch.bfloat16, False
    if worthwhile:
        yield torch.float32, True


def _engine(encoder: Encoder, known: _Known, view: View, dtype: torch.dtype, *, packed: bool) -> Engine | None:
    if not packed:
        return _Plain(encoder, view, dtype)
    if dtype not in known.programs:
        whole = getattr(encoder, "layer_mix", None) is None  # a mix needs the hidden states of every layer
        known.programs[dtype] = packed_program(encoder.backbone, dtype) if whole else None
    program = known.programs[dtype]
    return None if program is None else _Packed(encoder, view, program)


def _agrees(known: _Known, engine: Engine, plain: Engine, tokens: Tokens, name: tuple[torch.dtype, bool]) -> bool:
    """Compare with the plain pass on a few texts, spread over the input; once for these weights."""
    if name not in known.verdicts:
        lengths = tokens.ids.lengths
        spread = np.unique(np.linspace(0, len(lengths) - 1, PROBES).astype(np.int64))
        rows = spread[np.argsort(-lengths[spread], kind="stable")]
        wanted = plain(tokens.ids, rows, prompt_tokens=tokens.prompt_tokens)
        found = engine(tokens.ids, rows, prompt_tokens=tokens.prompt_tokens)
        cosine = _mean_cosine(wanted, found)
        known.verdicts[name] = cosine >= MINIMUM_COSINE[name[0]]
        if not known.verdicts[name]:
            logger.warning(
                "%s %s is left: mean cosine %.6f to the plain float32 pass on %d texts, below %.6f",
                "packed" if name[1] else "plain", name[0], cosine, len(rows), MINIMUM_COSINE[name[0]],
            )  # fmt: skip
    return known.verdicts[name]


def _mean_cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.where(norms > 0, (a * b).sum(1) / np.where(norms > 0, norms, 1), np.all(a == b, axis=1))
    return float(np.nan_to_num(cosine, nan=-1.0).mean())


def _weights_key(encoder: Encoder) -> object:
    """Changes when the weights do, also where an optimiser writes behind autograd's back."""
    tensors: list[Tensor] = [tensor for _, tensor in encoder.named_parameters()]
    places = tuple((t.data_ptr(), -1 if t.is_inference() else t._version, t.shape) for t in tensors)
    return places, tuple(torch.stack([t.detach().sum(dtype=torch.float32) for t in tensors]).tolist())
