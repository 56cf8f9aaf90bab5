"""Cut a model to a smaller size and write it as a model of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.compression.elastic.sizes import Shape, fit_view, shape_of, size_name
from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders.pairs import CrossEncoder
from accord.recipes.evaluate import load_any

__all__ = ["Cut", "cut"]


@dataclass(frozen=True)
class Cut:
    """A model that was cut.

    Args:
        path: its folder.
        size: in few letters, such as "4x256".
        parameters: of it, and of the model that it was cut from.
        record: what is kept in its `accord.json`.
    """

    path: Path
    size: str
    parameters: tuple[int, int]
    record: Mapping[str, Any]


def cut(
    model: str | Path, *, out: Path | str, layers: int | None = None, dim: int | None = None, width: int | None = None
) -> Cut:
    """Write a smaller model: the first layers, the first dimensions of its vectors, the first inner units.

    The folder is a plain sentence-transformers model. A model that was not trained for the size loses much.

    Args:
        model: an encoder's folder, a run folder, or what :func:`accord.load` takes.
        out: the folder; it appears whole or not at all.
        layers: to keep; all when not given.
        dim: dimensions to keep; all when not given.
        width: inner units of each layer's feed-forward part to keep; all when not given.

    Raises:
        InputError: a size that is not smaller than the model, or one that it does not have.
    """
    for name, number in (("layers", layers), ("dim", dim), ("width", width)):
        if number is not None and number < 1:
            raise InputError(f"`--{name}` must be at least 1. Got {number} instead.")
    encoder = load_any(model)
    if isinstance(encoder, CrossEncoder):
        raise InputError(
            f"{model} is a cross-encoder: it gives scores and no vectors, and is not cut. Name an encoder."
        )
    shape = shape_of(encoder)
    view = fit_view(View(layers, dim, width=width), shape)
    if view == View():
        raise InputError(
            f"The model is {_told(shape)} already: nothing would be cut. Ask for fewer layers or dimensions."
        )
    small = encoder.cut(view)
    origin = {"model": str(model), "fingerprint": encoder.fingerprint(), "size": str(shape)}
    asked = {"layers": view.layer, "dim": view.dim, "width": view.width}
    record = {"from": origin, **{name: number for name, number in asked.items() if number is not None}}
    small.save(out, metadata={**encoder.metadata, "cut": record})
    counts = [sum(p.numel() for p in one.parameters()) for one in (small, encoder)]
    return Cut(Path(out), size_name(view, shape), (counts[0], counts[1]), record)


def _told(shape: Shape) -> str:
    return f"{shape} (layers x dimensions)" if shape.layers else f"of {shape} dimensions"
