"""`accord codec fit`, `accord codec encode` and `accord codec report`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["COMMANDS", "HELP", "encode", "fit", "report"]

HELP = "Turn a model's vectors into few bytes that can still be searched."

CODEC = typer.Argument(help="A folder that `accord codec fit` wrote.")
AS_JSON = typer.Option("--json", help="Print the result as JSON.")


def fit(
    model: Annotated[str, typer.Argument(help="A model folder, hub name, package:MODULE or run folder.")],
    corpus: Annotated[Path, typer.Argument(help="Texts: JSONL(.gz), CSV, TSV, Parquet, .txt; or .npy of its vectors.")],
    kind: Annotated[str, typer.Option(help="Name of a codec, such as int8, rotated-sign or recurrent-binary.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    bits: Annotated[int | None, typer.Option(help="Short for --set bits=N.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A setting: dim=128; may be repeated.")] = None,
    column: Annotated[str, typer.Option(help="Column of texts.")] = "text",
    limit: Annotated[int | None, typer.Option(help="Most rows, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="A folder where vectors are kept for the next time.")] = None,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Fit a codec on a corpus, and measure it on a tenth of it that is held out."""
    from accord.recipes.codecs import fit_codec, made_codec

    given = _settings(settings or []) | ({} if bits is None else {"bits": bits})
    found = fit_codec(
        model,
        corpus,
        out,
        codec=made_codec(kind, given),
        column=column,
        limit=limit,
        seed=seed,
        cache=cache,
        progress=bars(),
    )
    _print(found, as_json)


def encode(
    codec: Annotated[Path, CODEC],
    vectors: Annotated[Path, typer.Argument(help="A .npy file of floats, (rows, dim).")],
    out: Annotated[Path, typer.Option(help="F.npy for the codes; F.npy.json says what they are.")],
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Encode vectors."""
    from accord.recipes.codecs import encode_vectors

    written = encode_vectors(codec, vectors, out)
    if as_json:
        show_json(written)
        return
    show(f"Wrote {written['rows']:,} codes of {written['code_bytes']} bytes to {out}.")


def report(
    codec: Annotated[Path, CODEC],
    vectors: Annotated[Path | None, typer.Argument(help="A .npy file of vectors that it was not fitted on.")] = None,
    queries: Annotated[Path | None, typer.Option(help="A .npy file of vectors to search with.")] = None,
    candidates: Annotated[int, typer.Option(help="Scored again by the vectors themselves.")] = 100,
    seed: Annotated[int, typer.Option(help="Of which vectors are queries.")] = 0,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Check a codec folder and say what it keeps: as measured when it was fitted, or on vectors that are given."""
    from accord.recipes.codecs import codec_report

    _print(codec_report(codec, vectors, queries=queries, candidates=candidates, seed=seed), as_json)


def _settings(words: list[str]) -> dict[str, Any]:
    """Settings from words such as `dim=128`; values are read as YAML."""
    import yaml

    from accord.core.errors import InputError

    found: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise InputError(f"`--set` takes NAME=VALUE, such as dim=128. Got {word!r}.")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"`--set {word}`: the value is no YAML ({error}).") from error
    return found


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    from accord.reporting.codec import codec_tables

    show(*codec_tables(found))


COMMANDS: dict[str, Callable[..., None]] = {"fit": fit, "encode": encode, "report": report}
