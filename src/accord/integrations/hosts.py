"""The base classes of other projects, where those are installed."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from accord.core.errors import MissingExtra

__all__ = ["host_class", "require_host"]


def host_class(module: str, name: str) -> Any:
    """A class of another project to derive from, or `object` where the project is not installed.

    >>> host_class("no_such_project.base", "Base")
    <class 'object'>
    """
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        return object
    return getattr(importlib.import_module(module), name)


def require_host(base: type, *, package: str, purpose: str) -> None:
    """Refuse to make an object for a project that is not installed.

    Args:
        base: what :func:`host_class` gave.
        package: what brings it.
        purpose: what needs it, for the message.

    Raises:
        MissingExtra: `base` is `object`.
    """
    if base is object:
        raise MissingExtra(f"{purpose} needs the package `{package}`. Install it: pip install {package}")
