"""`accord mine`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.bars import bars
from accord.cli.data import columns_of
from accord.cli.output import show, show_json
from accord.core.errors import InputError

if TYPE_CHECKING:
    from accord.data.signals import Signal

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A model folder, hub name, package:MODULE or run folder.")],
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Pairs, Ranked or Labelled; a retrieval folder as FOLDER@SPLIT; with --paraphrases, any.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="What to write: .jsonl, .jsonl.gz or .parquet.")],
    corpus: Annotated[Path | None, typer.Option(help="Further documents: a file with a column `text`.")] = None,
    negatives: Annotated[int, typer.Option(help="Wanted of each query.")] = 5,
    ranks: Annotated[str, typer.Option("--range", help="First rank and the one past the last, from 0.")] = "10:60",
    margin: Annotated[float | None, typer.Option(help="Least distance below the positive's score.")] = None,
    relative_margin: Annotated[
        float | None, typer.Option(help="The same as a part of the positive's score: 0.05 keeps what is below 95 %.")
    ] = None,
    max_score: Annotated[float | None, typer.Option(help="Largest score of a negative.")] = None,
    min_score: Annotated[float | None, typer.Option(help="Smallest score of a negative, or of a paraphrase.")] = None,
    guide: Annotated[str | None, typer.Option(help="Another model, which may refuse candidates.")] = None,
    cross_encoder: Annotated[str | None, typer.Option(help="A cross-encoder, which may refuse candidates.")] = None,
    guide_margin: Annotated[float, typer.Option(help="As --relative-margin, in the guide's scores.")] = 0.0,
    sampling: Annotated[str, typer.Option(help="top, or random among what may be taken.")] = "top",
    seed: Annotated[int, typer.Option(help="Of random sampling.")] = 0,
    layout: Annotated[str, typer.Option("--format", help="ranked, triplets, pairs or scored.")] = "ranked",
    cache: Annotated[Path | None, typer.Option(help="A folder where vectors are kept for the next time.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Which column plays which part, such as anchor=title; may be repeated.")
    ] = None,
    signal: Annotated[
        str | None, typer.Option(help="Pairs, Ranked, Labelled, ..., where the columns leave it open.")
    ] = None,
    paraphrases: Annotated[bool, typer.Option("--paraphrases", help="Mine the nearest pairs of texts.")] = False,
    neighbours: Annotated[int, typer.Option(help="With --paraphrases: of each text that are looked at.")] = 10,
    pairs: Annotated[int, typer.Option(help="With --paraphrases: most pairs to write.")] = 500_000,
    near_duplicates: Annotated[
        float | None, typer.Option(help="Leave out rows whose text has a cosine of so much to one before it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Mine hard negatives, paraphrases, or near-duplicates with a model."""
    from accord.data.write import check_writable

    if guide is not None and cross_encoder is not None:
        raise InputError("`--guide` and `--cross-encoder` were both given. Choose one to judge the candidates.")
    if paraphrases and near_duplicates is not None:
        raise InputError("`--paraphrases` and `--near-duplicates` were both given. Choose one.")
    check_writable(out)
    rules: dict[str, Any] = {
        "negatives": negatives, "ranks": _range(ranks), "margin": margin, "relative_margin": relative_margin,
        "max_score": max_score, "min_score": min_score, "guide_margin": guide_margin, "sampling": sampling,
        "seed": seed,
    }  # fmt: skip
    if paraphrases or near_duplicates is not None:
        refused = {"--corpus": corpus, "--guide": guide, "--cross-encoder": cross_encoder}
        for name, value in refused.items():
            if value is not None:
                raise InputError(f"`{name}` is for hard negatives alone. Leave it out.")
        _texts(model, _signal(source, column, signal), {"out": out, "cache": cache}, near_duplicates, as_json, {
            "neighbours": neighbours, "pairs": pairs, "min_score": min_score,
        })  # fmt: skip
        return
    from accord.data.mining import NegativeRules
    from accord.recipes.mine import mine
    from accord.reporting import mined_tables

    checked = NegativeRules(**rules)
    rows = _signal(source, column, signal)
    found = mine(
        model, rows, out=out, corpus=corpus, rules=checked, guide=guide or _cross_encoder(cross_encoder),
        layout=layout, cache=cache, progress=bars(),
    )  # fmt: skip
    if as_json:
        show_json(found.report)
    else:
        show(mined_tables(found.report))


def _texts(
    model: str,
    signal: Signal,
    places: dict[str, Any],
    threshold: float | None,
    as_json: bool,
    options: dict[str, Any],
) -> None:
    from accord.recipes.mine_texts import drop_near_duplicates, mine_paraphrases
    from accord.reporting import duplicates_table, paraphrases_table

    if threshold is not None:
        found = drop_near_duplicates(model, signal, threshold=threshold, progress=bars(), **places)
        shown = duplicates_table(found.report)
    else:
        found = mine_paraphrases(model, signal, progress=bars(), **places, **options)
        shown = paraphrases_table(found.report)
    if as_json:
        show_json(found.report)
    else:
        show(shown)


def _signal(source: str, column: list[str] | None, name: str | None) -> Signal:
    from accord.data import read
    from accord.data.detect import signal_named

    kind = None if name is None else signal_named(name)
    return read(source, signal=kind, columns=columns_of(column or []), progress=bars())


def _range(text: str) -> tuple[int, int]:
    start, mark, stop = text.partition(":")
    if not (mark and start.isdigit() and stop.isdigit()):
        raise InputError(f"`--range` must be START:STOP, such as 10:60. Got {text!r} instead.")
    return int(start), int(stop)


def _cross_encoder(path: str | None) -> Any:
    if path is None:
        return None
    from accord.encoders.pairs import load

    return load(path)
