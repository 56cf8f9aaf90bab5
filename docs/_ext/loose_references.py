"""Lets docstrings name things as readers know them, while a name that nothing has stays an error under `-n`.

A role such as :class:`InfoNCE` finds the place where that name is documented, the nearest one if there are several.
What exists without a page of its own, and what other packages own, is shown without a link.
"""

from __future__ import annotations

import builtins
import importlib

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> nodes.Node | None:
    """Find a Python name by its last part."""
    if node.get("refdomain") != "py":
        return None
    if _is_builtin(node):
        return content
    target = str(node["reftarget"]).lstrip(".~")
    owner, _, name = target.rpartition(".")
    if owner and not owner.startswith("accord") and owner[:1].islower():
        return content
    module = str(node.get("py:module") or "accord")
    documented = env.domains.python_domain.objects
    found = [full for full in documented if full == target or full.endswith(f".{target}")]
    found = found or [full for full in documented if owner.startswith("accord") and full.endswith(f".{name}")]
    if found:
        best = min(found, key=lambda full: (-_shared(full, module), len(full), full))
        entry = documented[best]
        return make_refnode(app.builder, str(node["refdoc"]), entry.docname, entry.node_id, content, best)
    written_as_a_role = "refwarn" in node
    return None if written_as_a_role and not _exists(owner or module, name) else content


def look_nowhere_for_builtins(app: Sphinx, doctree: nodes.document) -> None:
    """`bytes` in a signature is Python's, also where an attribute has that name."""
    del app
    for node in doctree.findall(pending_xref):
        if node.get("refdomain") == "py" and _is_builtin(node):
            node.attributes.pop("refspecific", None)


def _is_builtin(node: pending_xref) -> bool:
    return isinstance(getattr(builtins, str(node["reftarget"]), None), type)


def _shared(a: str, b: str) -> int:
    """How many leading parts two dotted names share."""
    parts = list(zip(a.split("."), b.split("."), strict=False))
    return next((i for i, (x, y) in enumerate(parts) if x != y), len(parts))


def _exists(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Register."""
    app.connect("doctree-read", look_nowhere_for_builtins)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
