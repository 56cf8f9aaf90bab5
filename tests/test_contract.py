"""What every room promises, found by itself: a new method edits none of this.

The first part walks the catalogues (the `__all__` of the rooms whose classes stand in recipes), the second every source
file, the third the package as it is imported, the fourth the command line.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import json
import keyword
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import accord
from accord.core.errors import InputError, RecipeError
from accord.core.spec import Described, build, catalogue, parameters, to_spec

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "accord"
FILES = sorted(SOURCE.rglob("*.py"))

DOORS = {
    "accord.compression.codecs": "fit",
    "accord.compression.elastic": "of",
    "accord.data.samplers": "schedule",
    "accord.data.sources": "load",
    "accord.encoders.pooling": "forward",
    "accord.evaluation.metrics": "__call__",
    "accord.evaluation.tasks": "evaluate",
    "accord.merging.learned": None,
    "accord.merging.methods": "merge",
    "accord.objectives": "forward",
    "accord.retrieval.choices": None,
    "accord.retrieval.fusion": "fuse",
    "accord.training": None,
    "accord.training.adapters": "attach",
    "accord.training.balance": "start",
}
"""Rooms whose classes stand in recipes or models -> what each class of the room can do."""


def room_classes(room: ModuleType) -> dict[str, type]:
    """The catalogue; in rooms that also export their own records, what stands in recipes."""
    described_only = room.__name__ in {
        "accord.compression.codecs", "accord.merging.learned", "accord.retrieval.choices", "accord.retrieval.fusion",
        "accord.training",
    }  # fmt: skip
    return {n: k for n, k in catalogue(room).items() if not described_only or issubclass(k, Described)}


ROOMS = {name: importlib.import_module(name) for name in DOORS}
METHODS = [
    pytest.param(room, kind, id=f"{room.__name__.removeprefix('accord.')}.{name}")
    for room in ROOMS.values()
    for name, kind in sorted(room_classes(room).items())
]
every_method = pytest.mark.parametrize(("room", "kind"), METHODS)


def sample(parameter: inspect.Parameter) -> Any:
    """A value for an argument without a default, by its annotation."""
    words = str(parameter.annotation)
    if parameter.name == "sizes":
        return [[3, 32], [2, 16]]
    if "Module" in words:
        return "pytorch_metric_learning.losses:NTXentLoss"
    if "ndarray" in words:
        path = Path(tempfile.gettempdir()) / f"accord-two-vectors-{os.getpid()}.npy"
        np.save(path, np.eye(2, dtype=np.float32))
        return str(path)
    for pattern, value in (("Sequence|list", ["de", "fr"]), ("str|Path", "rows.jsonl"), ("int", 3), ("float", 0.5)):
        if re.search(pattern, words):
            return value
    raise AssertionError(f"no sample for `{parameter}`: give it a default, or extend `sample`")


def required(kind: type) -> dict[str, Any]:
    return {n: sample(p) for n, p in parameters(kind).items() if p.default is p.empty}


def another(value: Any) -> Any:
    """A value of the same type that differs, or the value itself where that would be a guess."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2
    return value


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else value


def read_back(text: str, room: ModuleType) -> Any:
    """The object that a `repr` shows: a constructor call, or a metric's name."""
    known = room_classes(room)
    if re.match(rf"({'|'.join(known)})\(", text):
        return eval(text, {"__builtins__": {}}, known)  # noqa: S307 -- the text is our own repr
    return importlib.import_module("accord.evaluation.named").metric(text)


# ---------------------------------------------------------------------------------------------------- catalogues


def test_no_room_is_empty() -> None:
    assert all(room_classes(room) for room in ROOMS.values())


@every_method
def test_constructor_stores_its_arguments(room: ModuleType, kind: type) -> None:
    made = kind(**required(kind))
    for name, parameter in parameters(kind).items():
        given = required(kind).get(name, parameter.default)
        assert plain(getattr(made, name)) == plain(given), f"{kind.__name__}.{name} is not stored as it was given"


@every_method
def test_each_changed_argument_is_stored_and_survives_a_recipe(room: ModuleType, kind: type) -> None:
    for name, parameter in parameters(kind).items():
        base = required(kind)
        given = another(base.get(name, parameter.default))
        try:
            made = kind(**base | {name: given})
        except InputError:
            continue
        assert plain(getattr(made, name)) == plain(given)
        spec = json.loads(json.dumps(to_spec(made)))
        again = build(spec, room, "here")
        assert to_spec(again) == spec
        assert repr(again) == repr(made)
        assert to_spec(read_back(repr(made), room)) == spec


@every_method
def test_unknown_arguments_are_refused_by_name(room: ModuleType, kind: type) -> None:
    with pytest.raises(RecipeError, match="no_such_argument"):
        build({kind.__name__: {"no_such_argument": 1}}, room, "here")


@every_method
def test_no_argument_is_swallowed(room: ModuleType, kind: type) -> None:
    if not (getattr(kind.__init__, "__module__", None) or "").startswith("accord.") and "__init__" not in vars(kind):
        assert not parameters(kind), f"{kind.__name__} inherits a constructor with arguments"
        return
    kinds = {p.kind for p in inspect.signature(kind).parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


@every_method
def test_method_can_do_what_its_room_promises(room: ModuleType, kind: type) -> None:
    door = DOORS[room.__name__]
    if door is not None:
        assert callable(getattr(kind, door, None)), f"{kind.__name__} has no `{door}`"


@every_method
def test_method_is_documented_and_cited(room: ModuleType, kind: type) -> None:
    own = inspect.getdoc(kind) or ""
    assert own.partition("\n")[0].endswith((".", ":", ";")), f"{kind.__name__}: the first line is one sentence"
    text = Path(inspect.getfile(kind)).read_text(encoding="utf-8")
    if room.__name__ not in {"accord.data.sources", "accord.training", "accord.encoders.pooling"}:
        assert "Reference:" in text, f"{inspect.getfile(kind)} names no reference"


@every_method
def test_method_has_a_test_file_of_its_name(room: ModuleType, kind: type) -> None:
    path = Path(inspect.getfile(kind)).relative_to(SOURCE)
    test = ROOT / "tests" / path.parent / f"test_{path.name}"
    assert test.is_file(), f"{kind.__name__} has no {test.relative_to(ROOT)}"


OBJECTIVES = [pytest.param(kind, id=name) for name, kind in sorted(catalogue(ROOMS["accord.objectives"]).items())]


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_objective_is_a_shell_over_a_cited_pure_function(kind: type) -> None:
    from accord.objectives.base import contract

    module = sys.modules[kind.__module__]
    function = getattr(module, Path(inspect.getfile(kind)).stem)
    text = inspect.getdoc(function) or ""
    for part in ("Reference:", "Differs from the paper:", "Args:", "Returns:", ">>> "):
        assert part in text, f"{function.__name__} lacks `{part}`"
    made = kind(**required(kind))
    assert contract(made).required, f"{kind.__name__} asks for nothing"
    assert contract(kind).names == contract(made).names
    assert not list(made.parameters()), "an objective owns no weights unless it is told to"


@pytest.mark.parametrize("kind", catalogue(ROOMS["accord.data.samplers"]).values(), ids=lambda kind: kind.__name__)
def test_sampler_is_a_function_of_its_seed_and_reaches_every_task(kind: type) -> None:
    first, again, other = (kind().schedule([1000, 10, 100], [1.0, 1.0, 1.0], 300, seed=seed) for seed in (0, 0, 1))
    assert first.dtype == np.int64
    assert first.shape == (300,)
    np.testing.assert_array_equal(first, again)
    assert set(first.tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(np.bincount(first), np.bincount(other))


@pytest.mark.parametrize("kind", catalogue(ROOMS["accord.evaluation.tasks"]).values(), ids=lambda kind: kind.__name__)
def test_task_names_the_signals_it_reads_and_a_primary_metric(kind: type) -> None:
    from accord.data.signals import Signal
    from accord.evaluation.named import metric

    made: Any = kind()
    assert made.signals
    assert all(issubclass(signal, Signal) for signal in made.signals)
    assert callable(metric(made.primary))


# -------------------------------------------------------------------------------------------------- source files


def docstring_lines(tree: ast.AST) -> set[int]:
    """Numbers of the lines of bare strings: docstrings, and strings under constants that document them."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def lines_of_code(text: str) -> int:
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in ignored
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - docstring_lines(ast.parse(text)))


def test_lines_of_code_leave_out_docstrings_comments_and_blanks() -> None:
    text = '"""Module\n\ndoc."""\n\n# a comment\nx = (\n    1,\n)\n\n\ndef f():\n    """Doc."""\n    return x  # why\n'
    assert lines_of_code(text) == 5


@cache
def source(path: Path) -> tuple[str, ast.Module]:
    """The text of a file, and what it parses to."""
    text = path.read_text(encoding="utf-8")
    return text, ast.parse(text)


def in_all_files(problems: Callable[[str, ast.Module], Iterator[str]], files: Sequence[Path] = FILES) -> list[str]:
    """What is wrong anywhere, with the file's name before it."""
    return [f"{path.relative_to(SOURCE)}: {what}" for path in files for what in problems(*source(path))]


def test_files_are_small() -> None:
    def too_long(text: str, tree: ast.Module) -> Iterator[str]:
        filled = {number for number, line in enumerate(text.splitlines(), start=1) if line.strip()}
        if len(filled - docstring_lines(tree)) > 300 and (count := lines_of_code(text)) > 300:
            yield f"{count} lines of code"

    files = [path for path in FILES if path.relative_to(SOURCE).parts[0] != "cli" and path.stem != "schema"]
    assert not in_all_files(too_long, files)


def test_functions_are_small() -> None:
    def too_long(_: str, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                count = sum(isinstance(below, ast.stmt) for below in ast.walk(node)) - 1
                if count > 41:
                    yield f"{node.name} has {count} statements"

    assert not in_all_files(too_long)


def test_files_are_named_by_their_contents() -> None:
    stems = {path.stem for path in FILES}
    assert not stems & {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff"}
    assert not [stem for stem in stems if keyword.iskeyword(stem)]


FORBIDDEN_CALLS = {"torch.load", "torch.save", "np.random.seed", "random.seed", "torch.manual_seed"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def careless(text: str, tree: ast.Module) -> Iterator[str]:
    """Calls and imports that have no place in the library."""
    calls = FORBIDDEN_CALLS - ({"torch.manual_seed"} if "torch.random.fork_rng" in text else set())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
            given = {argument.arg: ast.unparse(argument.value) for argument in node.keywords}
            unsafe = [n for n in ("allow_pickle", "trust_remote_code") if given.get(n, "False") != "False"]
            if called in calls | {"print", "eval", "exec"} or unsafe:
                yield f"line {node.lineno} calls {ast.unparse(node)}"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"line {node.lineno} imports {n}" for n in names if n.partition(".")[0] in FORBIDDEN_MODULES)


def test_files_neither_print_nor_unpickle_nor_seed_globally() -> None:
    assert not in_all_files(careless)


@pytest.mark.parametrize(
    "line",
    [
        "print(1)",
        "eval('1')",
        "torch.manual_seed(0)",
        "np.load(path, allow_pickle=True)",
        "load(name, trust_remote_code=flag)",
        "import pickle",
        "from joblib.externals import loky",
    ],
)
def test_carelessness_is_seen(line: str) -> None:
    assert len(list(careless(line, ast.parse(line)))) == 1


def test_prose_speaks_to_users_only() -> None:
    def notes(text: str, _: ast.Module) -> Iterator[str]:
        yield from (word for word in ("TODO", "FIXME", "XXX") if word in text)

    assert not in_all_files(notes)


# ----------------------------------------------------------------------------------------------- the package


MODULES = sorted(
    name for _, name, _ in pkgutil.walk_packages(accord.__path__, "accord.") if not name.endswith("__main__")
)


def test_modules_say_what_they_are_and_export_what_they_have() -> None:
    problems = []
    for name in MODULES:
        module = importlib.import_module(name)
        if not (module.__doc__ or "").strip() and name != "accord._version":
            problems.append(f"{name} has no docstring")
        exported = getattr(module, "__all__", [])
        problems += [f"{name} exports {each} twice" for each in set(exported) if exported.count(each) > 1]
        for each in exported:
            thing = getattr(module, each, None)
            if thing is None and not hasattr(module, each):
                problems.append(f"{name} has no {each}")
            elif (inspect.isclass(thing) or inspect.isfunction(thing)) and not inspect.getdoc(thing):
                problems.append(f"{name}.{each} has no docstring")
    assert not problems


def test_public_names_resolve() -> None:
    assert sorted(set(accord.__all__)) == sorted(accord.__all__) == sorted(dir(accord))
    for name in accord.__all__:
        assert getattr(accord, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        accord.no_such_name  # noqa: B018


BESIDE = [path for folder in ("claims", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", BESIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_claims_and_benchmarks_use_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "accord":
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                public = alias.name in getattr(module, "__all__", ()) or f"{node.module}.{alias.name}" in MODULES
                assert public, f"{path.name}:{node.lineno}: {node.module}.{alias.name} is not public"


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running some code."""
    end = "\nimport sys, json; sys.stdout.write('\\n' + json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + end], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = {"torch", "transformers", "tokenizers", "sklearn", "scipy", "pyarrow", "numpy", "pydantic"}


def test_import_is_light() -> None:
    assert not modules_after("import accord; dir(accord)") & (HEAVY | {"typer", "rich", "yaml"})


def test_help_is_light() -> None:
    code = "from accord.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert not modules_after(code) & HEAVY


# ------------------------------------------------------------------------------------------------ command line


def command_line() -> dict[str, Any]:
    import typer.main

    from accord.cli.main import app

    def flat(group: Any, before: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, command in group.commands.items():
            whole = f"{before}{name}"
            found |= flat(command, f"{whole} ") if hasattr(command, "commands") else {whole: command}
        return found

    return flat(typer.main.get_command(app))


@pytest.mark.parametrize("name", sorted(command_line()))
def test_command_is_explained_and_speaks_json(name: str) -> None:
    command = command_line()[name]
    assert command.help
    assert command.help.rstrip().endswith(".")
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"accord {name}: `{parameter.name}` is not explained"


def test_every_public_name_and_command_has_its_page() -> None:
    """The pages are made from the code when the documentation is built; here only that they are asked for."""
    markers = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md"))
    assert "<!-- accord: commands -->" in markers
    assert "<!-- accord: recipe -->" in markers
