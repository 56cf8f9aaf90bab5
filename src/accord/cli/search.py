"""`accord search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.output import show, show_json

if TYPE_CHECKING:
    from accord.retrieval.searching import Mode

__all__ = ["command"]


def command(
    store: Annotated[Path, typer.Argument(help="A store, or a run folder with an index.")],
    question: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", "--k", help="How many answers.")] = 5,
    where: Annotated[str | None, typer.Option(help="Only documents such as \"year >= 2020 and lang = 'en'\".")] = None,
    mode: Annotated[str, typer.Option(help="dense (by meaning), lexical (by words) or hybrid (both).")] = "dense",
    dense_weight: Annotated[
        float | None, typer.Option(help="Share of the vectors in a hybrid, 0 to 1; ranks are fused when not given.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say by which ways each answer was found.")] = False,
    rerank: Annotated[str | None, typer.Option(help="A cross-encoder that puts the candidates in order.")] = None,
    candidates: Annotated[int, typer.Option(help="How many documents the cross-encoder reads.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print the hits as JSON.")] = False,
) -> None:
    """Search a store in plain words."""
    from accord.recipes.rerank import search
    from accord.reporting import hits_panel

    way = _mode(mode, dense_weight)
    hits = search(store, question, k=k, where=where, mode=way, explain=explain, rerank=rerank, candidates=candidates)
    if as_json:
        show_json(hits)
    else:
        show(*(hits_panel(hit.rank, hit.score, hit.id, hit.text, hit.sources) for hit in hits))
        if not hits:
            typer.echo("Nothing found.", err=True)


def _mode(mode: str, dense_weight: float | None) -> Mode:
    """The way to search, with its weights."""
    from accord.core.checks import check_fraction
    from accord.core.errors import InputError
    from accord.retrieval import Hybrid
    from accord.retrieval.fusion import WeightedSum

    if dense_weight is None:
        return mode
    if mode != "hybrid":
        raise InputError(f"`--dense-weight` belongs to `--mode hybrid`. Got `--mode {mode}`.")
    check_fraction("dense_weight", dense_weight)
    return Hybrid(WeightedSum([dense_weight, 1 - dense_weight]))
