"""Prune a finished encoder and write it as a model of its own, with the price on texts that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from accord.compression.prune import FeedForward, Heads, Layers, Narrow, Pruner, SliceGPT, Vocabulary
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.data.sources import File
from accord.encoders import StaticEncoder, TextEncoder, load, locate
from accord.encoders.encode import encode_few
from accord.encoders.kinds import is_cross_encoder
from accord.encoders.text.widths import inner_width

__all__ = ["PruneSettings", "Pruning", "prune", "read_texts"]

HELD_OUT = 0.2
MOST_HELD_OUT = 500
MEGABYTE = 1e6

Texts = str | Path | Sequence[str]
"""A file, or the texts themselves."""


@dataclass(frozen=True, kw_only=True)
class PruneSettings:
    """What to take out; at least one of these.

    Args:
        layers: how many layers to keep.
        keep_layers: which layers to keep, from 0.
        layers_by: how `layers` are chosen: "vectors", "influence", "spaced" or "first".
        ffn: share of the inner units of the feed-forward parts that goes.
        heads: share of the attention heads that goes.
        slice_share: share of the hidden size that goes.
        exact: slice in turned coordinates, which only accord loads, rather than to a plain BERT.
        vocabulary: texts whose tokens stay.
    """

    layers: int | None = None
    keep_layers: Sequence[int] | None = None
    layers_by: str = "vectors"
    ffn: float | None = None
    heads: float | None = None
    slice_share: float | None = None
    exact: bool = False
    vocabulary: Texts | None = None


@dataclass(frozen=True)
class Pruning:
    """A model that was pruned.

    Args:
        path: its folder.
        record: what is kept in its `accord.json`: `from`, `steps`, `before` and `after` in sizes, `cosine` (mean and
            least) to the original on `held_out` texts.
    """

    path: Path
    record: Mapping[str, Any] = field(repr=False)


def prune(
    model: str | Path,
    out: Path | str,
    settings: PruneSettings,
    *,
    texts: Texts | None = None,
    column: str = "text",
    limit: int = 2000,
    seed: int = 0,
    progress: Progress = silent,
) -> Pruning:
    """Write a smaller model.

    Layers go first, then widths, then tokens, each calibrated on what is left by then. A fifth of the texts, at most
    500, is held out, and the vectors of the two models are compared on it.

    Args:
        model: what :func:`accord.load` takes; no cross-encoder and no static encoder.
        out: the folder; it appears whole or not at all.
        settings: what to take out.
        texts: such as the model will see, without labels: a file or a list.
        column: of texts, in files that have columns.
        limit: texts to look at; beyond, an even draw.
        seed: of the draw.
        progress: opens a bar.

    Raises:
        InputError: nothing to take out, a share outside its range, more layers than there are, no texts where some are
            needed, or a model that a method does not support.
    """
    pruners = _pruners(settings)
    encoder = _load(model)
    corpus = None if settings.vocabulary is None else read_texts(settings.vocabulary, column)
    known = read_texts(texts, column) if texts is not None else (corpus or [])
    calibration, held_out = _split(known, limit=limit, seed=seed)
    if not held_out:
        raise InputError("There are no texts to compare the models on. Give a file of texts by `--on`.")
    smaller, steps = encoder, []
    with progress("prune", total=len(pruners), unit="steps") as advance:
        for pruner in pruners:
            looked = corpus if isinstance(pruner, Vocabulary) else calibration if texts is not None else []
            done = pruner.prune(smaller, looked or [])
            smaller = done.encoder
            steps.append(done.record)
            advance(1)
    cosines = _cosines(encoder, smaller, held_out)
    record = {
        "from": {"model": str(model), "fingerprint": encoder.fingerprint()},
        "steps": steps,
        "before": _sizes(encoder),
        "after": _sizes(smaller),
        "cosine": {"mean": float(cosines.mean()), "least": float(cosines.min())},
        "held_out": len(held_out),
        "calibration": len(calibration) if texts is not None else 0,
        "seed": seed,
    }
    smaller.save(out, metadata={**encoder.metadata, "pruned": record})
    return Pruning(Path(out), record)


def _pruners(settings: PruneSettings) -> list[Pruner]:
    """The methods in the order in which they run; their settings are checked here, before anything is loaded."""
    found: list[Pruner] = []
    if settings.layers is not None or settings.keep_layers is not None:
        found.append(Layers(settings.layers, kept=settings.keep_layers, by=settings.layers_by))
    if settings.ffn is not None:
        found.append(FeedForward(settings.ffn))
    if settings.heads is not None:
        found.append(Heads(settings.heads))
    if settings.slice_share is not None:
        found.append(SliceGPT(settings.slice_share) if settings.exact else Narrow(settings.slice_share))
    elif settings.exact:
        raise InputError("`--exact` is a form of slicing. Add --slice SHARE, or leave it out.")
    if settings.vocabulary is not None:
        found.append(Vocabulary())
    if not found:
        raise InputError(
            "Nothing is to be pruned. Give one or several of --layers, --keep-layers, --ffn, --heads, --slice and "
            "--vocabulary."
        )
    return found


def _load(model: str | Path) -> TextEncoder:
    """The encoder.

    Raises:
        InputError: a cross-encoder or a static encoder.
    """
    if is_cross_encoder(locate(model)):
        raise InputError(f"{model} is a cross-encoder: it gives scores and no vectors, and is not pruned.")
    encoder = load(str(model))
    if isinstance(encoder, StaticEncoder):
        raise InputError(f"{model} is a static encoder: one table without layers. Keep fewer dimensions: `accord cut`.")
    return encoder


def read_texts(texts: Texts, column: str = "text") -> list[str]:
    """Distinct texts of a file (a text a line in .txt, else a column), or of a list, in their order.

    Raises:
        InputError: no such file or column, or something that is no text.
    """
    if not isinstance(texts, (str, Path)):
        return [str(text) for text in dict.fromkeys(texts)]
    path = Path(texts)
    if path.suffix == ".txt":
        if not path.is_file():
            raise InputError(f"{path} does not exist.")
        lines = path.read_text(encoding="utf-8").splitlines()
        return list(dict.fromkeys(line for line in lines if line.strip()))
    table = File(str(path)).load()
    if column not in table.column_names:
        raise InputError(
            f"{path} has no column `{column}`. It has: {', '.join(table.column_names)}. Choose one by --column."
        )
    values = table.column(column).to_pylist()
    bad = next((n for n, value in enumerate(values) if not isinstance(value, str)), None)
    if bad is not None:
        raise InputError(f"{path}, row {bad + 1}: `{column}` must be text. Got {values[bad]!r} instead.")
    return list(dict.fromkeys(values))


def _split(texts: Sequence[str], *, limit: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts to calibrate on, and texts to compare on; of a single text, it is both."""
    order = np.random.default_rng(seed).permutation(len(texts))[:limit]
    drawn: list[str] = [texts[int(number)] for number in order]
    held = min(MOST_HELD_OUT, max(1, int(len(drawn) * HELD_OUT)))
    return (drawn[held:] or drawn), drawn[:held]


def _cosines(encoder: TextEncoder, smaller: TextEncoder, texts: Sequence[str]) -> np.ndarray:
    a, b = (encode_few(one, texts).astype(np.float64) for one in (encoder, smaller))
    return (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)


def _sizes(encoder: TextEncoder) -> dict[str, Any]:
    """What there is of everything that can be pruned."""
    backbone = encoder.backbone
    parameters = list(encoder.parameters())
    widths = getattr(backbone.config, "widths", None)
    return {
        "layers": encoder.num_layers,
        "hidden size": min(widths) if widths else backbone.config.hidden_size,
        "heads": backbone.config.num_attention_heads,
        "inner units": inner_width(backbone),
        "tokens": backbone.get_input_embeddings().num_embeddings,
        "parameters": sum(one.numel() for one in parameters),
        "megabytes": sum(one.numel() * one.element_size() for one in parameters) / MEGABYTE,
    }
