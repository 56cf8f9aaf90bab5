"""Read, change and save recipes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from accord.core.checks import did_you_mean
from accord.core.errors import RecipeError
from accord.core.spec import to_spec
from accord.core.storage import atomic_file
from accord.recipes.schema import RecipeSpec, parse

__all__ = ["Recipe", "ready_recipes"]


def ready_recipes() -> list[str]:
    """Names of the recipes that come with accord.

    >>> "python-library" in ready_recipes()
    True
    """
    folder = resources.files("accord.recipes") / "ready"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key may stand only once a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping, refusing repeated keys."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class Recipe:
    """A validated recipe.

    Args:
        value: a mapping as a recipe file holds it.
        origin: where it comes from, for messages; relative paths in it are relative to this file's folder.

    Raises:
        RecipeError: it cannot mean anything.
    """

    def __init__(self, value: Mapping[str, Any], *, origin: str = "recipe") -> None:
        self.value = copy.deepcopy(dict(value))
        self.origin = origin
        self.spec: RecipeSpec = parse(self.value, origin=origin)

    @classmethod
    def load(cls, name_or_path: str | Path) -> Recipe:
        """Read a recipe file, the recipe of a run folder, or a ready recipe by its name.

        Raises:
            RecipeError: nothing of that name, not YAML, or not a recipe.
        """
        path = Path(name_or_path)
        if path.is_dir() and (path / "recipe.yaml").is_file():
            path = path / "recipe.yaml"
        if path.is_file():
            text, origin = path.read_text(encoding="utf-8"), str(path)
        elif str(name_or_path) in ready_recipes():
            text = (resources.files("accord.recipes") / "ready" / f"{name_or_path}.yaml").read_text(encoding="utf-8")
            origin = str(name_or_path)
        else:
            raise RecipeError(
                f"There is no recipe file `{name_or_path}` and no ready recipe of that name."
                f"{did_you_mean(str(name_or_path), ready_recipes())} Ready ones: {', '.join(ready_recipes())}. "
                "`accord init DIR` writes one to start from."
            )
        try:
            value = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 -- a SafeLoader
        except yaml.YAMLError as error:
            raise RecipeError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from error
        return cls(value if isinstance(value, Mapping) else parse(value, origin=origin).model_dump(), origin=origin)

    @property
    def folder(self) -> Path:
        """Where relative paths in the recipe start."""
        return Path(self.origin).absolute().parent if Path(self.origin).is_file() else Path.cwd()

    def replace(self, changes: Mapping[str, Any]) -> Recipe:
        """A recipe with some values changed; `{"train.steps": 200}`. None takes a key away.

        Setting one of `train.steps` and `train.epochs` takes the other away.

        Raises:
            RecipeError: a path through something that is not a mapping, or a result that is no recipe.
        """
        value = copy.deepcopy(self.value)
        for path, new in changes.items():
            *folders, last = path.split(".")
            place: Any = value
            for folder in folders:
                if not isinstance(place, dict):
                    raise RecipeError(f"`{path}`: `{folder}` is inside something that is not a mapping.")
                place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise RecipeError(f"`{path}`: `{last}` is inside something that is not a mapping.")
            place[last] = new
            other = {"train.steps": "epochs", "train.epochs": "steps"}.get(path)
            if other is not None:
                place.pop(other, None)
            if new is None:
                place.pop(last)
        return Recipe(value, origin=self.origin)

    def resolved(self) -> dict[str, Any]:
        """The recipe with every default filled in and file paths made absolute."""
        value = self.spec.model_dump(mode="json", exclude_none=True)
        for name, source in value["sources"].items():
            value["sources"][name] = _absolute(source, self.folder)
        return value

    def save(self, path: Path | str) -> None:
        """Write the resolved recipe."""
        with atomic_file(path, "w") as handle:
            yaml.safe_dump(self.resolved(), handle, sort_keys=False, allow_unicode=True, width=110)


def _absolute(source: Any, folder: Path) -> Any:
    """A source that does not depend on the working folder; a plain path means `File`, or `RetrievalFolder`."""
    if isinstance(source, str) and source.startswith("hub:"):
        from accord.data.sources.hub import Hub

        source = to_spec(Hub.parse(source))
    if isinstance(source, str) and _is_path(source):
        place = (folder / source).resolve()
        return {"RetrievalFolder" if place.is_dir() else "File": {"path": str(place)}}
    if isinstance(source, dict):
        return {
            kind: {
                k: str((folder / v).resolve()) if v and (k in PATHS or (kind == "Hub" and str(v)[:1] == ".")) else v
                for k, v in (arguments or {}).items()
            }
            for kind, arguments in source.items()
        }
    return source


PATHS = frozenset({"path", "root"})
"""Arguments of sources that name a place on the disk."""


def _is_path(source: str) -> bool:
    """Whether a source is given as a plain path and not as the name of a class."""
    return ":" not in source and ("/" in source or "." in source)
