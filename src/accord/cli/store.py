"""`accord store verify`, `repair`, `compact`, `index`, `stats` and `export`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["COMMANDS", "EXPORTS", "EXPORTS_HELP", "HELP", "compact", "files", "index", "repair", "stats", "verify"]

HELP = "Check, mend, shrink and export stores."
EXPORTS_HELP = "Take a store elsewhere."

STORE = typer.Argument(help="A store.")
AS_JSON = typer.Option("--json", help="Print the result as JSON.")


def verify(store: Annotated[Path, STORE], as_json: Annotated[bool, AS_JSON] = False) -> None:
    """Compare a store with its hashes and name all that is changed; exits with 3 where an answer can differ."""
    from accord.core.errors import CheckFailed
    from accord.reporting.stores import verify_lines
    from accord.retrieval import verify as check

    report = check(store, progress=bars())
    if as_json:
        show_json({"ok": report.ok, "report": report})
    else:
        show(*verify_lines(report))
    if not report.ok:
        raise CheckFailed(f"{store} is damaged. `accord store repair {store}` mends what can be made again.")


def repair(
    store: Annotated[Path, STORE],
    model: Annotated[
        str | None, typer.Option(help="Encodes texts whose vectors are lost, in place of the recorded model.")
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Let go of documents that cannot be saved; without it they are only named.")
    ] = False,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Make again what follows from the rest, and name what is lost; exits with 3 where something is left."""
    from accord.core.errors import CheckFailed
    from accord.retrieval import repair as mend

    report = mend(store, model=model, forget=forget, progress=bars())
    if as_json:
        show_json(report)
    else:
        show(*(f"made again: {line}" for line in report.rebuilt), *(f"lost: {line}" for line in report.lost))
        show(*(f"left: {problem.where}: {problem.detail}" for problem in report.problems if not problem.harmless))
    if not report.ok:
        raise CheckFailed(f"{store} is not whole again. The lines above name what is left.")
    if not as_json:
        show(f"{store} is whole.")


def compact(store: Annotated[Path, STORE], as_json: Annotated[bool, AS_JSON] = False) -> None:
    """Drop rows of deleted documents, merge small files and shrink the database; answers stay the same."""
    from accord.retrieval import compact as shrink

    done = shrink(store, progress=bars())
    if as_json:
        show_json(done)
        return
    before, after = (size / 2**20 for size in (done.bytes_before, done.bytes_after))
    show(
        f"{store} holds {done.documents:,} documents: {done.dropped:,} dead rows dropped, {done.segments_before:,} "
        f"files became {done.segments_after:,}, {before:,.1f} MiB became {after:,.1f}."
    )


def stats(store: Annotated[Path, STORE], as_json: Annotated[bool, AS_JSON] = False) -> None:
    """Say what a store holds and takes."""
    from accord.reporting.stores import stats_tables
    from accord.retrieval import open as open_store

    with open_store(store) as opened:
        found = opened.stats()
    if as_json:
        show_json(found)
    else:
        show(*stats_tables(found))


def index(
    store: Annotated[Path, STORE],
    ann: Annotated[str, typer.Option(help="HNSW, IVF, or with settings 'HNSW: {ef_search: 200}'.")] = "HNSW",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Make the index for approximate search, or make it anew where documents were added since."""
    from accord.retrieval import open as open_store

    with open_store(store) as opened:
        built = opened.build_index(ann, progress=bars())
        found = opened.stats().indexes
    if as_json:
        show_json({"built": built, "indexes": found})
        return
    lines = (f"{one.kind} over {one.rows:,} rows, {one.bytes / 2**20:,.1f} MiB, {one.newer:,} newer" for one in found)
    show(f"{store}: {'index made' if built else 'nothing to do'}.", *lines)


def files(
    store: Annotated[Path, STORE],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    documents: Annotated[str, typer.Option(help="jsonl, which `accord index` reads, or parquet.")] = "jsonl",
    vectors: Annotated[bool, typer.Option(help="Write vectors.npy and the further columns, too.")] = True,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Write documents as JSONL or Parquet, and vectors as .npy, rows in the same order."""
    from accord.retrieval import export_files

    done = export_files(store, out, documents=documents, vectors=vectors, progress=bars())
    if as_json:
        show_json(done)
        return
    show(f"Wrote {done.documents:,} documents to {out}: {', '.join(sorted(done.files))}.")


def qdrant(
    store: Annotated[Path, STORE],
    url: Annotated[str, typer.Option(help="Of the server, such as http://localhost:6333; key in QDRANT_API_KEY.")],
    collection: Annotated[str, typer.Option(help="The collection; made where there is none.")],
    batch: Annotated[int, typer.Option(help="Documents a request.")] = 1000,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a collection that is there; send what is new or differs.")
    ] = False,
    queries: Annotated[int, typer.Option(help="Searched on both sides afterwards, at most; 0 for none.")] = 1000,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Send documents and vectors to a Qdrant server and compare both sides; exits with 3 where they differ."""
    from accord.core.errors import CheckFailed
    from accord.integrations.qdrant import export_qdrant

    report = export_qdrant(store, collection, url=url, batch=batch, resume=resume, queries=queries, progress=bars())
    if as_json:
        show_json({"ok": report.ok, **dataclasses.asdict(report)})
    else:
        show(*report.lines())
    if not report.ok:
        raise CheckFailed(f"The collection {collection!r} is not the store. The report names what differs.")


COMMANDS: dict[str, Callable[..., None]] = {
    "verify": verify,
    "repair": repair,
    "compact": compact,
    "index": index,
    "stats": stats,
}
EXPORTS: dict[str, Callable[..., None]] = {"files": files, "qdrant": qdrant}
