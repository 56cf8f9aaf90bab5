"""Objects from YAML and back: the constructor is the schema.

An object is written ``Class`` or ``{Class: {argument: value}}``, where `Class` stands in the `__all__` of the room that
is asked, or ``module:Name`` for anybody else's. Unknown names and arguments are errors with a suggestion.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from accord.core.checks import check_keys, did_you_mean
from accord.core.errors import InputError, RecipeError

__all__ = ["Described", "build", "catalogue", "parameters", "resolve", "to_spec"]


def catalogue(room: ModuleType) -> dict[str, type]:
    """The classes that a room lists in its `__all__`, by name."""
    found = {name: getattr(room, name) for name in room.__all__}
    return {name: thing for name, thing in found.items() if inspect.isclass(thing) and not inspect.isabstract(thing)}


def parameters(kind: type) -> dict[str, inspect.Parameter]:
    """Constructor arguments of a class, by name."""
    signature = _signature(kind)
    return {n: p for n, p in signature.parameters.items() if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}}


_signature = cache(inspect.signature)


def resolve(name: str, room: ModuleType, where: str) -> type:
    """The class that `name` stands for in `room`.

    Raises:
        RecipeError: no such class, with a suggestion.
    """
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise RecipeError(f"{where}: `{name}` cannot be imported ({error}).") from error
    known = catalogue(room)
    if name not in known:
        raise RecipeError(
            f"{where}: unknown name `{name}`.{did_you_mean(name, known)} Known: {', '.join(sorted(known))}, "
            "or `module:Name` for your own."
        )
    return known[name]


def build(spec: object, room: ModuleType, where: str) -> Any:
    """Make the object that a specification describes; an object passes through unchanged.

    Args:
        spec: ``"Class"``, ``{"Class": {...}}`` or a ready object.
        room: the module whose `__all__` lists the known classes.
        where: path in the recipe, for messages.

    Raises:
        RecipeError: unknown class or argument, a missing argument, or a value that the constructor refuses.
    """
    if isinstance(spec, str):
        name, arguments = spec, {}
    elif isinstance(spec, Mapping):
        if len(spec) != 1:
            raise RecipeError(
                f"{where} must be `Class` or `{{Class: {{arguments}}}}`. Got {len(spec)} keys: {list(spec)}."
            )
        name, arguments = next(iter(spec.items()))
        arguments = {} if arguments is None else arguments
    else:
        return spec
    kind = resolve(str(name), room, where)
    if not isinstance(arguments, Mapping):
        raise RecipeError(f"{where}.{name} takes its arguments by name, as a mapping. Got {arguments!r} instead.")
    try:
        known = parameters(kind)
        check_keys(f"{where}.{name}", arguments, known)
        missing = [n for n, p in known.items() if p.default is p.empty and n not in arguments]
        if missing:
            raise RecipeError(f"{where}.{name} lacks the argument `{missing[0]}`.")
        return kind(**arguments)
    except RecipeError:
        raise
    except (InputError, TypeError) as error:
        raise RecipeError(
            f"{where}.{name}: {error}" if not str(error).startswith("Unknown key") else str(error)
        ) from error


def to_spec(thing: object) -> Any:
    """The specification of an object, with every argument that differs from its default.

    >>> from fractions import Fraction
    >>> to_spec(3), to_spec(["a", 1])
    (3, ['a', 1])
    """
    if thing is None or isinstance(thing, (str, int, float, bool)):
        return thing
    if isinstance(thing, Mapping):
        return {str(k): to_spec(v) for k, v in thing.items()}
    if isinstance(thing, (list, tuple, set, frozenset)):
        return [to_spec(v) for v in thing]
    kind = type(thing)
    arguments = {}
    for name, parameter in parameters(kind).items():
        value = getattr(thing, name)
        if parameter.default is parameter.empty or value != parameter.default:
            arguments[name] = to_spec(value)
    label = kind.__name__ if kind.__module__.startswith("accord.") else f"{kind.__module__}:{kind.__qualname__}"
    return {label: arguments} if arguments else label


class Described:
    """A `repr` that reads like the constructor call; for classes that store their arguments under their own names."""

    def __repr__(self) -> str:
        kind = type(self)
        shown = [
            f"{name}={value!r}"
            for name, parameter in parameters(kind).items()
            if (value := getattr(self, name)) != parameter.default or parameter.default is parameter.empty
        ]
        return f"{kind.__name__}({', '.join(shown)})"
