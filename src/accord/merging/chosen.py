"""The method that a merge file asks for, with plain numbers for each tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.core.spec import catalogue, parameters
from accord.merging import learned, methods
from accord.merging.base import MergeMethod
from accord.merging.settings import Scalar, Setting

__all__ = ["Chosen", "learning_names", "method_named", "methods_by_name", "yaml_name"]

OURS = {"weight": "weights", "lambda": "scaling"}
"""Constructors' arguments whose names differ from those in merge files."""

IGNORED = ("int8_mask",)

ELSEWHERE: Mapping[str, float] = {"density": 1.0, "lambda": 1.0, "gamma": 0.01, "epsilon": 0.15, "select_topk": 1.0}
"""What mergekit takes where a merge file says nothing."""


def methods_by_name(room: ModuleType = methods) -> dict[str, type[MergeMethod]]:
    """Methods by their names in merge files.

    >>> methods_by_name()["linear"].__name__
    'Linear'
    """
    found = catalogue(room).values()
    return {kind.name: kind for kind in found if issubclass(kind, MergeMethod)}


def method_named(name: str, *, where: str = "merge") -> type[MergeMethod]:
    """The method of a name in merge files.

    Raises:
        InputError: no such method, with a suggestion.
    """
    known = methods_by_name()
    if name not in known:
        raise InputError(
            f"{where}: `merge_method` {name!r} is not known.{did_you_mean(name, [*known, *learning_names()])} Known: "
            f"{', '.join(sorted(known))}; with a `probe`: {', '.join(sorted(learning_names()))}."
        )
    return known[name]


def learning_names() -> dict[str, type]:
    """Methods that learn from a probe, by their names in merge files.

    >>> sorted(learning_names())
    ['adamerging', 'atlas', 'fisher', 'lm_cocktail', 'regmean', 'self_positioning']
    """
    kinds = catalogue(learned).values()
    methods = (learned.LearnedMethod, learned.Fisher, learned.RegMean)
    return {kind.name: kind for kind in kinds if issubclass(kind, methods)}


def yaml_name(argument: str) -> str:
    """What a constructor's argument is called in merge files.

    >>> yaml_name("weights"), yaml_name("density")
    ('weight', 'density')
    """
    return next((theirs for theirs, ours in OURS.items() if ours == argument), argument)


class Chosen:
    """A method and its parameters over the tensors of a model.

    Args:
        kind: of the method.
        common: parameters for all models, as merge files give them.
        each: parameters of each expert.
        names: of the experts, for messages.
        scope: what the method's thresholds are taken over, where it lets one choose.
        where: the merge file, for messages.

    Raises:
        InputError: a parameter that the method does not have, one that only some experts have, or no such scope.
    """

    def __init__(
        self,
        kind: type[MergeMethod],
        *,
        common: Mapping[str, Any],
        each: Sequence[Mapping[str, Any]],
        names: Sequence[str],
        scope: str | None = None,
        where: str = "merge",
    ) -> None:
        self.kind = kind
        self.where = where
        self.scope = scope
        self.arguments = parameters(kind)
        self._made: dict[tuple[Any, ...], MergeMethod] = {}
        known = sorted(yaml_name(name) for name in self.arguments if name != "scope")
        for given in (common, *each):
            for name in given:
                if name not in known and name not in IGNORED:
                    raise InputError(
                        f"{where}: `{kind.name}` has no parameter `{name}`.{did_you_mean(name, known)} "
                        f"It has: {', '.join(known) or 'none'}."
                    )
        if scope is not None and "scope" not in self.arguments:
            raise InputError(f"{where}: `{kind.name}` has no choice of `scope`. Leave it out.")
        self.settings: dict[str, Setting | list[Setting]] = {}
        for name in self.arguments:
            setting = self._setting(yaml_name(name), common, each, names)
            if setting is not None:
                self.settings[name] = setting

    def at(self, tensor: str, depth: float) -> MergeMethod:
        """The method for one tensor.

        Args:
            tensor: its name.
            depth: in [0, 1].

        Raises:
            InputError: a value that the method refuses.
        """
        values: dict[str, Scalar | list[Scalar] | str] = {} if self.scope is None else {"scope": self.scope}
        for name, setting in self.settings.items():
            found = (
                [one.at(tensor, depth) for one in setting] if isinstance(setting, list) else setting.at(tensor, depth)
            )
            values[name] = found
        key = tuple(tuple(value) if isinstance(value, list) else value for value in values.values())
        if key not in self._made:
            try:
                self._made[key] = self.kind(**values)
            except (InputError, TypeError) as error:
                place = "" if self._is_plain else f" (for {tensor})"
                raise InputError(f"{self.where}: {self.kind.name}{place}: {error}") from error
        return self._made[key]

    def check_filters(self, tensors: Sequence[str]) -> None:
        """Refuse filters that no tensor fits.

        Raises:
            InputError: names the filter and shows what names look like.
        """
        for name, setting in self.settings.items():
            for one in setting if isinstance(setting, list) else [setting]:
                for words in one.filters:
                    if not any(words in tensor for tensor in tensors):
                        like = next((tensor for tensor in tensors if "." in tensor), tensors[0])
                        raise InputError(
                            f"{self.where}: `{yaml_name(name)}`: the filter {words!r} fits no tensor. Names look like "
                            f"{like}."
                        )

    def describe(self) -> list[dict[str, Any]]:
        """One row a parameter: its value, and whether the merge file gives it."""
        rows = [] if self.scope is None else [{"parameter": "scope", "value": self.scope, "given": True}]
        for name, argument in self.arguments.items():
            setting = self.settings.get(name)
            if setting is None and not (name == "scope" and self.scope is not None):
                default = None if argument.default is argument.empty else argument.default
                rows.append({"parameter": yaml_name(name), "value": default, "given": False})
            elif setting is not None:
                shown = [str(one) for one in setting] if isinstance(setting, list) else str(setting)
                rows.append({"parameter": yaml_name(name), "value": shown, "given": True})
        return rows

    def notes(self) -> list[str]:
        """Where a default is used that users of mergekit would not expect."""
        found = []
        if "scope" in self.arguments and self.scope is None and self.arguments["scope"].default != "tensor":
            default = self.arguments["scope"].default
            found.append(
                f"`scope` is not given: {default} is used, as in the method's paper (mergekit looks at each tensor by "
                "itself: `scope: tensor`)."
            )
        for name, argument in self.arguments.items():
            theirs = ELSEWHERE.get(yaml_name(name))
            if name in self.settings or theirs is None or argument.default in {argument.empty, theirs}:
                continue
            found.append(
                f"`{yaml_name(name)}` is not given: {argument.default} is used, the method's own (mergekit takes "
                f"{theirs:g})."
            )
        return found

    @property
    def _is_plain(self) -> bool:
        """Whether all tensors have the same values."""
        settings = [one for s in self.settings.values() for one in (s if isinstance(s, list) else [s])]
        return all(len(one.rules) == 1 and not isinstance(one.rules[0][1], tuple) for one in settings)

    def _setting(
        self, name: str, common: Mapping[str, Any], each: Sequence[Mapping[str, Any]], names: Sequence[str]
    ) -> Setting | list[Setting] | None:
        """One for all experts, or one each; a model's own comes before that for all."""
        own = [number for number, given in enumerate(each) if name in given]
        if not own:
            return Setting.of(common[name]) if name in common else None
        if not self._is_per_expert(OURS.get(name, name)):
            raise InputError(
                f"{self.where}: `{name}` of `{self.kind.name}` is one for all models. Put it under the document's own "
                "`parameters`."
            )
        lacking = [number for number, given in enumerate(each) if name not in given and name not in common]
        if lacking:
            raise InputError(
                f"{self.where}: {names[own[0]]} has a `{name}`, and {names[lacking[0]]} has none. Give one to each, or "
                "one for all under the document's own `parameters`."
            )
        return [Setting.of(given.get(name, common.get(name))) for given in each]

    def _is_per_expert(self, argument: str) -> bool:
        words = str(self.arguments[argument].annotation)
        return "PerExpert" in words or "Sequence[float]" in words
