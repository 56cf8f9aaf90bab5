"""What a codec is and keeps, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["codec_tables"]


def codec_tables(found: Mapping[str, Any]) -> tuple[RenderableType, ...]:
    """A codec's size and what was measured of it.

    Args:
        found: what `codec.json` says; `path` where it was just written.
    """
    settings = ", ".join(f"{name}={value}" for name, value in found["settings"].items())
    kept = found.get("fidelity")
    size = found["code_bytes"]
    rows = [
        ("codec", f"{found['kind']}({settings})"),
        ("made for the model", str(found["made_for"])[:12] or "not known"),
        ("similarity", str(found["similarity"])),
        ("dimensions", f"{found['dim']:,}"),
        ("bytes a vector", f"{size:,} (1/{4 * found['dim'] / size:.3g} of float32)"),
        ("MB a million vectors", f"{size:,}"),
    ]
    tables: list[RenderableType] = [_table("Codec", rows)]
    if kept is None:
        tables.append(Text("Nothing was measured: too few vectors were left to hold some out."))
    else:
        tables.append(_table(f"Kept, on {kept['vectors']:,} vectors and {kept['queries']:,} queries", _kept(kept)))
    if "path" in found:
        tables.append(Text(f"Wrote {found['path']}, fitted on {found['fitted_on']:,} vectors."))
    return tuple(tables)


def _kept(kept: Mapping[str, Any]) -> list[tuple[str, str]]:
    recall = f"recall@{kept['k']}"
    return [
        ("cosine of decoded vectors, mean", f"{kept['cosine_mean']:.4f}"),
        ("cosine of decoded vectors, least", f"{kept['cosine_min']:.4f}"),
        ("correlation of scores, Pearson", f"{kept['pearson']:.4f}"),
        ("correlation of scores, Spearman", f"{kept['spearman']:.4f}"),
        (f"{recall}, float queries", f"{kept['recall']:.4f}"),
        (f"{recall}, queries as codes", f"{kept['recall_symmetric']:.4f}"),
        (f"{recall}, best {kept['candidates']} scored again by vectors", f"{kept['recall_rescored']:.4f}"),
    ]


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in rows:
        table.add_row(*row)
    return table
