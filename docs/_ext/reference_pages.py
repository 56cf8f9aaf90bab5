"""Fills `<!-- accord: NAME -->` in the pages with what the code itself says, each time they are built.

- `commands`: every command, argument and option, from the typer application;
- `recipe`: every key of a recipe from the schema, explained in `reference/recipe-keys.yaml` (a key that is not
  explained, or an explanation without a key, stops the build), and every class that may stand in one;
- `objectives`: which objective each signal can train, from what one asks for and the other provides;
- `fields`: everything that an objective may ask for;
- `ready NAME`: a ready recipe as it ships.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

MARKER = re.compile(r"<!-- accord: (\w+) ?([\w-]*) -->")

SLOTS = {
    "Signals": ("accord.data.signals", "`tasks.NAME.signal`; the columns decide when it is left out."),
    "Sources": ("accord.data.sources", "`sources.NAME`; a plain path means `File`."),
    "Objectives": ("accord.objectives", "`tasks.NAME.objective`."),
    "Evaluations": ("accord.evaluation.tasks", "`tasks.NAME.evaluate`, one or a list."),
    "Metrics": (
        "accord.evaluation.metrics",
        "`metrics` and `primary` of an evaluation, by name: `nDCG@10`, `accuracy`.",
    ),
    "Pairs from texts": ("accord.data.synthesis", "`tasks.NAME.synthesis`."),
    "Samplers": ("accord.data.samplers", "`train.sampler`."),
    "Balancing": (
        "accord.training.balance",
        "`train.balance`; the aggregators of TorchJD stand there by their own names, such as `UPGrad`.",
    ),
    "Adapters": ("accord.training.adapters", "`train.adapter`."),
    "Sizes": ("accord.compression.elastic", "`train.elastic`."),
    "Optimisers, schedules and averages": (
        "accord.training",
        "`train.optimizer`, `train.schedule` and `train.average`.",
    ),
}


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the markers of a page."""
    makers = {"commands": commands, "recipe": recipe, "ready": ready, "objectives": objectives, "fields": fields}

    def made(match: re.Match[str]) -> str:
        return makers[match[1]](*([match[2]] if match[2] else []))

    source[0] = MARKER.sub(made, source[0])


def always_read(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Pages with markers are read again in every build: the code may have changed."""
    return [name for name in env.found_docs if MARKER.search(Path(env.doc2path(name)).read_text(encoding="utf-8"))]


# ------------------------------------------------------------------------------------------------ command line


@cache
def commands() -> str:
    """All commands as Markdown."""
    import typer.main

    from accord.cli.main import app

    group: Any = typer.main.get_command(app)
    return "\n".join(line for name, command in _flat(group) for line in _command(name, command))


def _flat(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Commands by their whole names, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _flat(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    words = [f"{a.name.upper()}{'...' if a.nargs == -1 else ''}" for a in arguments]
    words += [f"{o.opts[0]} {_value(o)}".strip() for o in options if o.required]
    yield f"## accord {name}\n"
    yield f"{inspect.cleandoc(command.help)}\n"
    yield f"```text\naccord {' '.join([name, *words])} [options]\n```\n"
    yield "| | |\n|---|---|"
    for argument in arguments:
        yield f"| `{argument.name.upper()}` | {argument.help} |"
    for option in options:
        default = option.default
        shown = (
            f" Default: `{default}`." if isinstance(default, (str, int, float)) and default not in {False, ""} else ""
        )
        repeated = " May be repeated." if option.multiple else ""
        required = " Required." if option.required else ""
        yield f"| `{' '.join([option.opts[0], _value(option)]).strip()}` | {option.help}{required}{repeated}{shown} |"
    yield ""


def _value(option: Any) -> str:
    return "" if option.is_flag else option.name.upper().replace("CHANGE", "PATH=VALUE")


# ------------------------------------------------------------------------------------------------------ recipe


@cache
def recipe() -> str:
    """All keys and all classes of a recipe as Markdown."""
    from accord.recipes.schema import RecipeSpec

    path = Path(__file__).resolve().parents[1] / "reference" / "recipe-keys.yaml"
    explained: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    lines = ["## Keys\n", "| key | type | default | |\n|---|---|---|---|"]
    rows = list(_keys(RecipeSpec, ""))
    seen = [key for key, _, _ in rows]
    if missing := [key for key in seen if key not in explained]:
        raise KeyError(f"{path.name} does not explain the recipe keys {missing}")
    if stale := sorted(set(explained) - set(seen)):
        raise KeyError(f"{path.name} explains keys that recipes no longer have: {stale}")
    lines += [f"| `{key}` | {kind} | {default} | {explained[key].strip()} |" for key, kind, default in rows]
    lines += ["", "## Classes\n"]
    for title, (room, slot) in SLOTS.items():
        lines += [f"### {title}\n", f"In {slot} {{py:mod}}`{room}`\n", *_classes(room), ""]
    return "\n".join(lines)


def _keys(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner, many = _inner(field.annotation)
        if inner is None:
            default = "required" if field.is_required() else _shown(field.default)
            yield key, _type(field.annotation), default
        if inner is not None:
            yield from _keys(inner, f"{key}.NAME." if many else f"{key}.")


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model inside a type, and whether a mapping of names holds it."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in typing.get_args(annotation):
        found, _ = _inner(part)
        if found is not None:
            return found, typing.get_origin(annotation) is dict
    return None, False


def _type(annotation: Any) -> str:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " \\| ".join(f"`{part}`" for part in parts)
    if origin is typing.Annotated:
        return _type(parts[0])
    if origin in {typing.Union, types.UnionType}:
        if set(parts) == {str, dict[str, Any]}:
            return "class"
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is list:
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return f"mapping to {_type(parts[1])}"
    names = {str: "text", int: "integer", float: "number"}
    return names.get(annotation, "mapping")


def _shown(default: Any) -> str:
    if default is None or default is PydanticUndefined:
        return "-"
    if isinstance(default, BaseModel):
        return "as below"
    return f"`{default}`"


def _classes(room: str) -> Iterator[str]:
    from accord.core.spec import Described, catalogue, parameters

    module = importlib.import_module(room)
    kinds = catalogue(module)
    if room == "accord.training":
        kinds = {name: kind for name, kind in kinds.items() if issubclass(kind, Described)}
    if room == "accord.data.signals":
        kinds = {name: kind for name, kind in kinds.items() if name != "Signal"}
    yield "| class | arguments | |\n|---|---|---|"
    for name, kind in kinds.items():
        summary = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
        summary = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", summary).replace("``", "`").replace("|", "\\|")
        summary = re.sub(r":math:`([^`]+)`", r"$\1$", summary)
        shown = [] if room == "accord.data.signals" else parameters(kind).values()
        arguments = ", ".join(
            f"`{p.name}`" if p.default is p.empty else f"`{p.name}: {_yaml(p.default)}`" for p in shown
        )
        yield f"| `{name}` | {arguments} | {summary} |"


def _yaml(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True).replace("\n...", "").strip()


def ready(name: str) -> str:
    """A ready recipe as it ships."""
    text = (resources.files("accord.recipes") / "ready" / f"{name}.yaml").read_text(encoding="utf-8")
    return f"```yaml\n{text.strip()}\n```"


def objectives() -> str:
    """A table from signals to the objectives whose contract they meet."""
    import accord.objectives as room
    from accord.core.errors import InputError
    from accord.core.spec import catalogue
    from accord.data.signals import SIGNALS
    from accord.objectives.base import contract
    from accord.training.fields import provided_fields, reads_features, token_form

    lines = ["| signal | provides | objectives | with a teacher |", "|---|---|---|---|"]
    for signal in SIGNALS:
        fitting: dict[bool, list[str]] = {False: [], True: []}
        for name, kind in catalogue(room).items():
            asked = contract(kind)
            for taught in (False, True):
                given = provided_fields(
                    signal,
                    teacher="any" if taught else None,
                    tokens=token_form(asked),
                    features=reads_features(asked),
                )
                try:
                    asked.check(given, where=name)
                except InputError:
                    continue
                fitting[taught].append(f"{{py:class}}`~{kind.__module__}.{name}`")
                break
        shown = ", ".join(f"`{field}`" for field in provided_fields(signal))
        lines.append(f"| `{signal.__name__}` | {shown} | {', '.join(fitting[False])} | {', '.join(fitting[True])} |")
    return "\n".join(lines)


def fields() -> str:
    """A table of the fields that objectives may ask for."""
    from accord.objectives.base import FIELDS

    return "\n".join(["| field | |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in FIELDS.items())])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register. The recipe is described first of all, since autodoc puts its own objects in the place of defaults."""
    app.connect("builder-inited", lambda _: recipe())
    app.connect("source-read", fill)
    app.connect("env-get-outdated", always_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
