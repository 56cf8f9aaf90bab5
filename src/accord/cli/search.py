"""`accord search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    store: Annotated[Path, typer.Argument(help="A store, or a run folder with an index.")],
    question: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", "--k", help="How many answers.")] = 5,
    rerank: Annotated[str | None, typer.Option(help="A cross-encoder that puts the candidates in order.")] = None,
    candidates: Annotated[int, typer.Option(help="How many documents the cross-encoder reads.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print the hits as JSON.")] = False,
) -> None:
    """Search a store in plain words."""
    from accord.recipes.rerank import search
    from accord.reporting import hits_panel

    hits = search(store, question, k=k, rerank=rerank, candidates=candidates)
    if as_json:
        show_json(hits)
    else:
        show(*(hits_panel(hit.rank, hit.score, hit.id, hit.text) for hit in hits))
