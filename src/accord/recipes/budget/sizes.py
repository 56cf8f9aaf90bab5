"""What `accord budget` tries: sizes of the model, ways to compute, and codecs of its vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from accord.compression.codecs.base import codec_of, kinds
from accord.compression.elastic.sizes import Shape, fit_view, read_sizes, size_name
from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders.engines import native_bfloat16

__all__ = ["Configuration", "backends", "codec_specs", "codecs_of", "read_size", "sizes_of"]

Spec = Mapping[str, Any]
"""A codec as `{Kind: {arguments}}`; empty for float32 vectors without one."""

SHARES = (1, 2 / 3, 1 / 3)
"""Of the layers that are tried where a model does not say what it was trained for."""
DIMENSIONS = (1, 2, 4)
"""What the dimensions are divided by then."""


@dataclass(frozen=True)
class Configuration:
    """One way to serve a model.

    Args:
        view: the size, in the terms of the model.
        size: the same in few letters, such as "4x256".
        backend: how queries are encoded: "float32" or "bfloat16".
        codec: what holds the vectors, in few letters; "float32" for none.
        spec: the codec; empty for none.
        rescore: whether what the codes find is put in order by float16 vectors on the disk.
    """

    view: View
    size: str
    backend: str = "float32"
    codec: str = "float32"
    spec: Spec = field(default_factory=dict, compare=False)
    rescore: bool = False

    @property
    def name(self) -> str:
        """All of it on one line."""
        backend = "" if self.backend == "float32" else f" {self.backend}"
        return f"{self.size}{backend} · {self.codec}{' + rescoring' if self.rescore else ''}"

    def as_json(self) -> dict[str, Any]:
        """What decides the vectors, as JSON."""
        view = {"layer": self.view.layer, "dim": self.view.dim, "width": self.view.width}
        return {"view": view, "backend": self.backend, "codec": dict(self.spec), "rescore": self.rescore}


def sizes_of(shape: Shape, metadata: Mapping[str, Any], asked: Sequence[Any] | None = None) -> dict[str, View]:
    """The sizes to try, by name, the whole model first.

    Args:
        shape: of the model.
        metadata: of the model; where it was trained for several sizes, its recipe says so.
        asked: sizes as in a recipe's `train.sizes`; what the model was trained for when not given, else a grid of
            three depths and three numbers of dimensions.

    Raises:
        InputError: a size that is larger than the model, or that it does not have.

    >>> list(sizes_of(Shape(6, 384), {}))[:4]
    ['6x384', '6x192', '6x96', '4x384']
    >>> list(sizes_of(Shape(0, 256), {})), list(sizes_of(Shape(6, 384), {}, [[4, 256]]))
    (['256', '128', '64'], ['6x384', '4x256'])
    """
    sizes = asked or _trained_sizes(metadata) or _grid(shape)
    views = dict.fromkeys([View(), *(fit_view(view, shape) for view in read_sizes(sizes))])
    return {size_name(view, shape): view for view in views}


def _trained_sizes(metadata: Mapping[str, Any]) -> Sequence[Any] | None:
    """The sizes that the recipe in a model's `accord.json` trained, if it did."""
    recipe = metadata.get("recipe")
    train = recipe.get("train") if isinstance(recipe, Mapping) else None
    if not isinstance(train, Mapping):
        return None
    ways = train.get("elastic")
    arguments = next(iter(ways.values()), None) if isinstance(ways, Mapping) else None
    return train.get("sizes") or (arguments.get("sizes") if isinstance(arguments, Mapping) else None)


def _grid(shape: Shape) -> list[list[int | None]]:
    dims = list(dict.fromkeys(max(1, shape.dim // part) for part in DIMENSIONS))
    depths = dict.fromkeys(max(1, round(shape.layers * share)) for share in SHARES) if shape.layers else [None]
    return [[layers, dim] for layers in depths for dim in dims]


def backends(encoder: Any) -> list[str]:
    """The ways in which this machine can compute an encoder, the exact one first.

    Each is a precision of the encoder's own `encode`; a further engine is a further name here and in
    :mod:`accord.recipes.budget.vectors` and :mod:`accord.recipes.budget.costs`.
    """
    half = getattr(encoder, "num_layers", 0) and native_bfloat16(encoder.device)
    return ["float32", "bfloat16"] if half else ["float32"]


def codecs_of(dim: int, asked: Sequence[str] | None = None, *, whole: bool = True) -> list[tuple[Spec, bool]]:
    """The codecs to try on vectors of some dimensions, each without rescoring, with it, or both.

    The usual ones learn in seconds. Codes of half a byte a dimension or more are not rescored there: there is next to
    nothing left to mend.

    Args:
        dim: of the vectors.
        asked: codecs as `accord index --codec` takes them; a usual list when not given.
        whole: whether no dimension was cut; only then a PCA is among the usual ones.

    Raises:
        InputError: an unknown codec or argument.
    """
    if asked is not None:
        return [(spec, rescore) for spec in codec_specs(asked) for rescore in (False, True)]
    usual: list[tuple[Spec, bool]] = [
        ({"Float16": {}}, False),
        ({"Int8": {}}, False),
        *([({"PCA": {"dim": max(1, dim // 3), "then": "Int8"}}, False)] if whole else []),
        ({"RaBitQ": {"bits": 4}}, False),
        ({"RotatedSign": {"bits": 2 * dim}}, False),
        ({"RotatedSign": {}}, False),
        ({"RotatedSign": {}}, True),
    ]
    return [(spec, rescore) for spec, rescore in usual if next(iter(spec)) in kinds()]


def codec_specs(asked: Sequence[str]) -> list[Spec]:
    """Codecs as `{Kind: {arguments}}`, from what `accord index --codec` takes.

    Raises:
        InputError: an unknown codec or argument.

    >>> codec_specs(["Int8", "int8: {tail: 0.001}"])
    [{'Int8': {}}, {'Int8': {'tail': 0.001}}]
    """
    found: list[Spec] = []
    for text in asked:
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InputError(f"`--codec` must be a codec, or 'Codec: {{argument: value}}'. Got {text!r}.") from error
        made = codec_of(value, "--codec")
        arguments = next(iter(value.values())) if isinstance(value, Mapping) else None
        found.append({type(made).__name__: dict(arguments or {})})
    return found


def read_size(text: str) -> int | list[int]:
    """A size as it is written in few letters.

    Raises:
        InputError: anything else.

    >>> read_size("4x256"), read_size("256"), read_size("4x256x768")
    ([4, 256], 256, [4, 256, 768])
    """
    parts = text.lower().split("x")
    if not all(part.isdecimal() for part in parts) or len(parts) > 3:
        raise InputError(
            f"`--size` must be LAYERSxDIMENSIONS such as 4x256, or dimensions alone. Got {text!r} instead."
        )
    numbers = [int(part) for part in parts]
    return numbers if len(numbers) > 1 else numbers[0]
