"""The sizes of a recipe: how they are trained, whether a model has them, and each of them judged as the model it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import accord.compression.elastic as elastic_room
from accord.compression.elastic import Elastic
from accord.compression.elastic.sizes import Shape, read_sizes, shape_of, size_name
from accord.core.errors import InputError, RecipeError
from accord.core.spec import build
from accord.core.types import View
from accord.recipes.schema import RecipeSpec

__all__ = ["check_sizes", "cut_command", "elastic_of", "size_pairs", "size_row", "smaller_sizes"]

USUAL = "Starbucks"
"""How sizes are trained when only `train.sizes` is given."""


def elastic_of(spec: RecipeSpec) -> Elastic | None:
    """How a recipe trains its sizes; None where it trains one size alone.

    Raises:
        RecipeError: an unknown way or argument, sizes that mean nothing, or something that widths do not go with.
    """
    train = spec.train
    if train.sizes is None and train.elastic is None:
        return None
    if spec.encoder.kind == "cross-encoder":
        raise RecipeError("`train.sizes` and `train.elastic` are for models that make vectors. Leave them out of a "
                          "cross-encoder's recipe.")  # fmt: skip
    made = build(_with_sizes(train.elastic or USUAL, train.sizes), elastic_room, "train.elastic")
    if not isinstance(made, Elastic):
        raise RecipeError(f"`train.elastic` must be a way to train several sizes. Got {train.elastic!r} instead.")
    narrow = any(view.width is not None for view in made.views)
    for key, given in (("adapter", train.adapter), ("gradient_checkpointing", train.gradient_checkpointing)):
        if narrow and given:
            raise RecipeError(f"`train.{key}` does not go with sizes of less width. Leave one of them out.")
    return made


def _with_sizes(given: str | Mapping[str, Any], sizes: Sequence[Any] | None) -> str | Mapping[str, Any]:
    """The way with the sizes of `train.sizes` among its arguments."""
    if sizes is None:
        return given
    try:
        read_sizes(sizes)
    except InputError as error:
        raise RecipeError(f"train.sizes: {error}") from error
    if isinstance(given, str):
        return {given: {"sizes": sizes}}
    name, arguments = next(iter(given.items()), ("", None))
    if isinstance(arguments, Mapping) and "sizes" in arguments:
        raise RecipeError("The sizes stand twice, in `train.sizes` and in `train.elastic`. Leave one of them out.")
    return {**given, name: {"sizes": sizes, **(arguments or {})}}


def check_sizes(spec: RecipeSpec, shape: Shape) -> None:
    """See that a model has the sizes of a recipe.

    Args:
        spec: of the recipe.
        shape: of the model.

    Raises:
        RecipeError: names the size and what the model has.
    """
    elastic = elastic_of(spec)
    if elastic is None:
        return
    try:
        elastic.fitted(shape)
    except InputError as error:
        raise RecipeError(f"train.sizes: {error}") from error


def smaller_sizes(spec: RecipeSpec, encoder: Any) -> dict[str, View]:
    """The sizes of a recipe that are smaller than a model, by their names."""
    elastic = elastic_of(spec)
    if elastic is None:
        return {}
    shape = shape_of(encoder)
    return {size_name(view, shape): view for view in elastic.fitted(shape)}


def size_row(name: str, of: str, view: View, small: Any) -> dict[str, Any]:
    """A size as a row of the record, with the keys of a trained model's.

    Args:
        name: of the cut model.
        of: the model that it is cut from.
        view: the size.
        small: the cut model.
    """
    parameters = sum(p.numel() for p in small.parameters())
    kept = {"layers": view.layer, "dim": view.dim, "width": view.width}
    return {
        "name": name,
        "of": of,
        **{key: number for key, number in kept.items() if number is not None},
        "parameters": parameters,
        "megabytes": round(parameters * 4 / 1e6, 1),
    }


def size_pairs(chosen: str, rows: Sequence[Mapping[str, Any]], models: Sequence[str]) -> list[tuple[str, str]]:
    """What is compared of the sizes: those of the chosen model with the whole, and with the same sizes of others.

    Args:
        chosen: the model that the run gives.
        rows: of the record.
        models: all that were measured.
    """
    mine = [row for row in rows if row["of"] == chosen]
    found: list[tuple[str, str]] = [(chosen, row["name"]) for row in mine]
    for row in mine:
        size = str(row["name"]).removeprefix(chosen)
        others = [other["name"] for other in rows if other["name"] == f"{other['of']}{size}" and other["of"] != chosen]
        found += [(row["name"], name) for name in others]
    return [pair for pair in dict.fromkeys(found) if set(pair) <= set(models)]


def cut_command(row: Mapping[str, Any], model: str) -> str:
    """The command that writes a size to a folder of its own.

    >>> cut_command({"layers": 4, "dim": 256}, "runs/x")
    'accord cut runs/x --layers 4 --dim 256 --out DIR'
    """
    options = [f"--{key} {row[key]}" for key in ("layers", "dim", "width") if key in row]
    return " ".join(["accord cut", model, *options, "--out DIR"])
