"""A way of balancing as a recipe names it: one of accord's, or any aggregator of TorchJD."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from accord.core.checks import did_you_mean
from accord.core.errors import InputError, RecipeError
from accord.core.spec import build, catalogue
from accord.training import balance as room
from accord.training.balance.base import Balance
from accord.training.balance.torchjd import aggregators

__all__ = ["read_balance"]

OPTIONS = ("every", "storage")
"""Arguments of `Aggregated` that may stand among those of an aggregator."""


def read_balance(spec: object, where: str = "train.balance") -> Balance:
    """The way of balancing that a recipe names.

    Args:
        spec: ``"Name"`` or ``{"Name": {...}}`` of this room or of an aggregator of TorchJD, ``module:Name``, or a ready
            object.
        where: path in the recipe, for messages.

    Raises:
        RecipeError: an unknown name, with a suggestion, or an argument that is refused.
        MissingExtra: an aggregator needs a solver that is not installed.

    >>> read_balance({"MGDA": {"max_iters": 50, "every": 4}})
    Aggregated(aggregator='MGDA', arguments={'max_iters': 50}, every=4)
    >>> read_balance({"FlatRegions": {"inner": "PCGrad"}})
    FlatRegions(inner=Aggregated(aggregator='PCGrad'))
    """
    if not isinstance(spec, (str, Mapping)):
        return _checked(spec, where)
    if isinstance(spec, Mapping) and len(spec) != 1:
        raise RecipeError(f"{where} must be `Name` or `{{Name: {{arguments}}}}`. Got {len(spec)} keys: {list(spec)}.")
    name, given = (spec, None) if isinstance(spec, str) else next(iter(spec.items()))
    name, arguments = str(name), {} if given is None else given
    ours = catalogue(room)
    if ":" in name or name in ours:
        if isinstance(arguments, Mapping) and "inner" in arguments:
            arguments = {**arguments, "inner": read_balance(arguments["inner"], f"{where}.{name}.inner")}
        return _checked(build({name: arguments}, room, where), where)
    if name not in aggregators():
        raise RecipeError(
            f"{where}: unknown name `{name}`.{did_you_mean(name, [*ours, *aggregators()])} Known: "
            f"{', '.join(sorted(ours))}; aggregators of TorchJD: {', '.join(aggregators())}; or `module:Name` for your "
            "own."
        )
    if not isinstance(arguments, Mapping):
        raise RecipeError(f"{where}.{name} takes its arguments by name, as a mapping. Got {arguments!r} instead.")
    return _aggregated(name, arguments, where)


def _aggregated(name: str, arguments: Mapping[str, Any], where: str) -> Balance:
    options = {key: arguments[key] for key in OPTIONS if key in arguments}
    own = {key: value for key, value in arguments.items() if key not in OPTIONS}
    try:
        return room.Aggregated(aggregator=name, arguments=own or None, **options)
    except InputError as error:
        raise RecipeError(f"{where}.{error}" if str(error).startswith(name) else f"{where}.{name}: {error}") from error


def _checked(thing: object, where: str) -> Balance:
    if inspect.isclass(thing) or not isinstance(thing, Balance):
        raise RecipeError(f"{where} must name a way of balancing. Got {thing!r} instead.")
    return thing
