"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

__all__ = ["show", "show_json"]


def show(*renderables: Any) -> None:
    """Print tables and texts to standard output, brackets and all."""
    from rich.console import Console

    console = Console(markup=False, emoji=False)
    for renderable in renderables:
        console.print(renderable)


def show_json(value: Any) -> None:
    """Print one JSON value to standard output; numbers that JSON cannot hold become null."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
