"""The pages are true: their Python runs, their commands run or at least exist, their recipes are recipes."""

from __future__ import annotations

import copy
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


NEEDS = re.compile(r"<!-- needs: ([\w.]+) -->\n$")


def lacks(page: Path, line: int) -> bool:
    """Whether the block that begins at `line` is marked as one for a project that is not installed."""
    before = "".join(page.read_text(encoding="utf-8").splitlines(keepends=True)[: line - 2])
    needed = NEEDS.search(before)
    return needed is not None and importlib.util.find_spec(needed[1]) is None


def blocks(page: Path, *languages: str) -> Iterator[tuple[str, str, int]]:
    """(language, text, first line) of the code blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        if found[1] in languages:
            yield found[1], found[2], text.count("\n", 0, found.start()) + 2


def runs_something(page: Path) -> bool:
    return any(True for _ in blocks(page, "python", "sh"))


def run_python(page: Path, text: str, line: int, namespace: dict[str, Any]) -> None:
    padded = "\n" * (line - 1) + text
    exec(compile(padded, str(page), "exec"), namespace)


def run_commands(text: str) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in text.strip().splitlines():
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, f"{command}\nexit {done.returncode}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
        assert done.stdout.strip(), f"{command} says nothing"


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if runs_something(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_code_runs_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for language, text, line in blocks(page, "python", "sh"):
        if lacks(page, line):
            continue
        if language == "python":
            run_python(page, text, line, namespace)
        else:
            run_commands(text)


def shown_commands() -> list[Any]:
    """Every `accord ...` in the pages."""
    return [
        pytest.param(command, id=f"{page.relative_to(ROOT)}:{line}")
        for page in PAGES
        for _, text, line in blocks(page, "sh", "console")
        for shown in text.splitlines()
        if (command := shown.removeprefix("$ ")).startswith("accord ")
    ]


@pytest.mark.parametrize("command", shown_commands())
def test_shown_command_exists_with_its_options(command: str) -> None:
    import typer.main

    from accord.cli.main import app

    _, name, *words = shlex.split(command, comments=True)
    group: Any = typer.main.get_command(app)
    assert name in group.commands, f"there is no `accord {name}`"
    found = group.commands[name]
    if hasattr(found, "commands"):
        name, *words = words
        assert name in found.commands, f"there is no `{command}`"
        found = found.commands[name]
    if "..." not in command:
        found.make_context(name, words)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    value = copy.deepcopy(dict(base))
    for key, new in over.items():
        value[key] = merged(value[key], new) if isinstance(new, dict) and isinstance(value.get(key), dict) else new
    return value


def yaml_shown(*, merges: bool) -> list[Any]:
    """Merge files, or recipes."""
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}:{line}")
        for page in PAGES
        for _, text, line in blocks(page, "yaml")
        if ("merge_method" in text) == merges
    ]


@pytest.mark.parametrize("text", yaml_shown(merges=True))
def test_shown_merge_file_is_valid(text: str) -> None:
    from accord.merging.chosen import Chosen, method_named
    from accord.recipes.merge import read_merge_documents

    for document in read_merge_documents(list(yaml.safe_load_all(text))):
        Chosen(
            method_named(document.spec.merge_method),
            common=document.spec.common,
            each=[entry.parameters for entry in document.entries],
            names=[entry.model for entry in document.entries],
            scope=document.spec.scope,
        ).at("layer.1.attention.weight", 0.5)


@pytest.mark.parametrize("text", yaml_shown(merges=False))
def test_shown_recipe_is_valid(text: str) -> None:
    """A part of a recipe is read as a change to the example that `accord init` writes."""
    import accord.data.sources
    import accord.evaluation.tasks
    import accord.objectives
    from accord.core.spec import build
    from accord.recipes.prepare import settings_of
    from accord.recipes.recipe import Recipe

    example = yaml.safe_load((resources.files("accord.recipes") / "example" / "recipe.yaml").read_text("utf-8"))
    shown = yaml.safe_load(text)
    recipe = Recipe(shown if "format" in shown else merged(example, shown))
    for name, task in recipe.spec.tasks.items():
        build(task.objective, accord.objectives, name)
        for evaluation in task.evaluate:
            build(evaluation, accord.evaluation.tasks, name)
    for name, source in recipe.spec.sources.items():
        if not isinstance(source, str):
            build(source, accord.data.sources, name)
    assert settings_of(recipe, [100] * len(recipe.spec.tasks), seed=0).steps > 0


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
