"""Sizes of an elastic model: how they are written, checked against a model, and named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from accord.core.errors import InputError
from accord.core.types import View

__all__ = ["Shape", "Size", "fit_view", "read_sizes", "shape_of", "size_name"]

Size = int | Sequence[int | None]
"""A dimension, (layers, dimensions), or (layers, dimensions, width); None leaves one as the model has it."""

NAMES = ("layers", "dimensions", "width")


@dataclass(frozen=True)
class Shape:
    """How large a model is.

    Args:
        layers: of its backbone; 0 for a static one.
        dim: dimensions of its vectors.
        width: inner units of each layer's feed-forward part; None where they cannot be told.
    """

    layers: int
    dim: int
    width: int | None = None

    def __str__(self) -> str:
        return size_name(View(), self)


def shape_of(encoder: Any) -> Shape:
    """How large an encoder is."""
    return Shape(encoder.num_layers, encoder.dim, getattr(encoder, "inner_width", None))


def read_sizes(sizes: Sequence[Size]) -> tuple[View, ...]:
    """Sizes as views, largest first.

    Args:
        sizes: each a :data:`Size`; ordered by layers, then dimensions, then width, from large to small.

    Raises:
        InputError: no size, something else than whole numbers above 0, sizes out of order or repeated.

    >>> read_sizes([[6, 384], [4, 256], [2, 128]])[1]
    View(layer=4, dim=256, aspect='', width=None)
    >>> read_sizes([256, 128])[0]
    View(layer=None, dim=256, aspect='', width=None)
    """
    if not isinstance(sizes, (list, tuple)) or not sizes:
        raise InputError(
            f"`sizes` must be a list, such as [[6, 384], [4, 256]] (layers, dimensions). Got {sizes!r} instead."
        )
    found = [_read(size) for size in sizes]
    order = [tuple(float("inf") if n is None else n for n in (v.layer, v.dim, v.width)) for v in found]
    for place in range(1, len(order)):
        if order[place] == order[place - 1]:
            raise InputError(f"`sizes` holds {_plain(sizes[place])} twice. Leave one out.")
        if order[place] > order[place - 1]:
            raise InputError(
                f"`sizes` must be ordered from large to small: layers first, then dimensions. Got "
                f"{_plain(sizes[place])} after {_plain(sizes[place - 1])}."
            )
    return tuple(found)


def fit_view(view: View, shape: Shape) -> View:
    """A view in the terms of a model: what is as large as the model is left as None, so the whole is ``View()``.

    Raises:
        InputError: the view is larger than the model, or cuts what the model does not have.

    >>> fit_view(View(6, 128), Shape(6, 384)) == View(dim=128)
    True
    """
    if shape.layers == 0 and (view.layer is not None or view.width is not None):
        raise InputError(
            f"A static model has no layers: the size {size_name(view, shape)} cannot be cut from it. Give dimensions "
            f"only, such as `sizes: [{shape.dim}, {max(1, shape.dim // 2)}]`."
        )
    if view.width is not None and shape.width is None:
        raise InputError("The feed-forward layers of this model were not found, so its width cannot be cut. Leave it.")
    found = {}
    for name, asked, there in zip(NAMES, (view.layer, view.dim, view.width), (shape.layers, shape.dim, shape.width)):
        if asked is not None and there is not None and asked > there:
            raise InputError(
                f"The size {size_name(view, shape)} is larger than the model, which has {there} {name}. Ask for no "
                "more."
            )
        found[name] = None if asked == there else asked
    return replace(view, layer=found["layers"], dim=found["dimensions"], width=found["width"])


def size_name(view: View, shape: Shape) -> str:
    """A size in few letters: layers, dimensions and, where it is cut, width.

    >>> size_name(View(4, 256), Shape(6, 384)), size_name(View(dim=256), Shape(0, 384))
    ('4x256', '256')
    >>> size_name(View(4, 256, width=768), Shape(6, 384, 1536)), size_name(View(), Shape(6, 384, 1536))
    ('4x256x768', '6x384')
    """
    layers = shape.layers if view.layer is None else view.layer
    numbers = [*([layers] if layers else []), shape.dim if view.dim is None else view.dim]
    return "x".join(map(str, [*numbers, *([view.width] if view.width is not None else [])]))


def _read(size: Size) -> View:
    numbers: Sequence[Any] = [None, size] if isinstance(size, int) else size
    short = not isinstance(numbers, (list, tuple)) or not 2 <= len(numbers) <= len(NAMES)
    if short or any(n is not None and (isinstance(n, bool) or not isinstance(n, int)) for n in numbers):
        raise InputError(
            f"A size must be [layers, dimensions], [layers, dimensions, width] or dimensions alone. Got {size!r} "
            "instead."
        )
    for name, number in zip(NAMES, numbers):
        if number is not None and number < 1:
            raise InputError(f"The {name} of a size must be at least 1. Got {number} in {size!r} instead.")
    return View(numbers[0], numbers[1], width=numbers[2] if len(numbers) == len(NAMES) else None)


def _plain(size: Size) -> object:
    return size if isinstance(size, int) else list(size)
