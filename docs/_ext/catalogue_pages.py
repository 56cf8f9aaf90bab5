"""Writes `docs/methods/` from the source tree before each build: one page a package, so a new method needs no page.

A page shows the package's docstring, a table of what its modules export, and every exported class and function.
Nothing is imported here; autodoc does that when the pages are read.
"""

from __future__ import annotations

import ast
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from sphinx.application import Sphinx

SOURCE = Path(__file__).resolve().parents[2] / "src" / "accord"
LEFT_OUT = {"accord.cli", "accord.recipes.schema", "accord.reporting.templates", "accord._version"}
ROOMS = (
    "data",
    "encoders",
    "objectives",
    "training",
    "evaluation",
    "merging",
    "alignment",
    "retrieval",
    "reporting",
    "integrations",
    "recipes",
    "maths",
    "core",
)


@dataclass(frozen=True)
class Module:
    """A module that exports something."""

    name: str
    summary: str
    exports: tuple[tuple[str, str], ...]


def main_line(text: str | None) -> str:
    """The first line of a docstring."""
    return (text or "").strip().partition("\n")[0]


def listed(tree: ast.Module) -> set[str]:
    """Names in the `__all__` of a module."""
    return {
        element.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        for element in getattr(node.value, "elts", ())
        if isinstance(element, ast.Constant)
    }


def read_module(path: Path) -> Module:
    """What a file says of itself and exports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    dotted = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    public = listed(tree)
    exports = tuple(
        (node.name, main_line(ast.get_docstring(node)))
        for node in tree.body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in public
    )
    return Module(dotted, main_line(ast.get_docstring(tree)), exports)


def package_page(folder: Path) -> str:
    """The page of one package, in reStructuredText."""
    dotted = ".".join(folder.relative_to(SOURCE.parent).parts)
    modules = [read_module(path) for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    modules = [module for module in modules if module.exports and module.name not in LEFT_OUT]
    children = [f"{dotted}.{child.name}" for child in packages_in(folder)]
    lines = [dotted, "=" * len(dotted), "", f".. automodule:: {dotted}", "   :no-members:", ""]
    if children:
        lines += [".. toctree::", "   :maxdepth: 1", "", *(f"   {child}" for child in children), ""]
    public = listed(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    below = [read_module(path) for path in sorted(folder.rglob("*.py"))] if public else modules
    rows = [(m.name, *export) for m in below for export in m.exports if not public or export[0] in public]
    if rows:
        lines += [".. list-table::", "   :widths: 30 70", ""]
        for module, name, summary in rows:
            lines += [f"   * - :py:obj:`~{module}.{name}`", f"     - {summary}"]
        lines.append("")
    for module in modules:
        title = module.name.rpartition(".")[2]
        lines += [title, "-" * len(title), "", f".. automodule:: {module.name}", "   :members:", ""]
    return "\n".join(lines) + "\n"


def packages_in(folder: Path) -> list[Path]:
    """Packages directly below a package."""
    found = [path.parent for path in sorted(folder.glob("*/__init__.py"))]
    return [p for p in found if ".".join(p.relative_to(SOURCE.parent).parts) not in LEFT_OUT and any(packages_of(p))]


def packages_of(folder: Path) -> list[Path]:
    """Files with content in a package, at any depth."""
    return [path for path in folder.rglob("*.py") if path.stem != "__init__"]


def public_page() -> str:
    """The names that `import accord` gives, with where they come from."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_HOMES"
    )
    where = {
        name: (module.name, summary)
        for path in sorted(SOURCE.rglob("*.py"))
        for module in [read_module(path)]
        for name, summary in module.exports
        if any(
            module.name == home or module.name.startswith(f"{home}.") for home, names in homes.items() if name in names
        )
    }
    lines = ["accord", "======", "", "What ``import accord`` gives.", "", ".. list-table::", "   :widths: 25 75", ""]
    for names in homes.values():
        for name in names:
            module, summary = where[name]
            shown = "accord.open" if name == "open_index" else f"accord.{name}"
            lines += [f"   * - :py:obj:`{shown} <{module}.{name}>`", f"     - {summary}"]
    return "\n".join(lines) + "\n"


def write_pages(app: Sphinx) -> None:
    """Bring `methods/` up to date; files that do not change keep their time."""
    folder = Path(app.srcdir) / "methods"
    packages = [SOURCE / room for room in ROOMS]
    pages = {"accord": public_page()}
    while packages:
        package = packages.pop(0)
        pages[".".join(package.relative_to(SOURCE.parent).parts)] = package_page(package)
        packages += packages_in(package)
    entries = "\n".join(f"   {name}" for name in ("accord", *(f"accord.{room}" for room in ROOMS)))
    pages["index"] = (
        "Python reference\n================\n\n"
        "Every public class and function, by room. Find one by its name, by what others call it or by its paper with\n"
        "``accord where NAME``.\n\n"
        f".. toctree::\n   :maxdepth: 2\n\n{entries}\n"
    )
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
        elif old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        text = re.sub(r"\n{3,}", "\n\n", text)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
