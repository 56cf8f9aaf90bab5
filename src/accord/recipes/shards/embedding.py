"""Embed a corpus: cut it, spread the shards, and compare a sample of what came back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import CheckFailed
from accord.core.interrupts import Interrupted
from accord.core.progress import Progress, silent
from accord.core.storage import clear_leftovers, storage_errors
from accord.encoders import StaticEncoder, TextEncoder, load
from accord.encoders.engines import PRECISIONS
from accord.recipes.corpus_rows import records_of, text_of
from accord.recipes.shards.finished import Shards, open_shards
from accord.recipes.shards.plan import ShardPlan, cut_corpus, is_done
from accord.recipes.shards.work import embed_shard
from accord.retrieval.files.lock import writer_lock
from accord.retrieval.questions import model_record

__all__ = ["Embedded", "Parity", "Spread", "embed_corpus"]

SAMPLE = 64
"""Rows that are embedded again here, to compare."""
LEAST_COSINE = 0.999


class Spread(Protocol):
    """Does pieces of work somewhere: see :class:`accord.integrations.ray_data.RayData`."""

    def run(self, work: Callable[[int], int], numbers: Sequence[int]) -> Iterator[int]:
        """Call `work` with each number, anywhere and in any order; gives what each call gave as it comes."""
        ...


@dataclass(frozen=True)
class Parity:
    """How vectors of the workers compare with those made here, over some rows.

    Args:
        rows: drawn evenly.
        least_cosine: between the two vectors of a row.
        largest_difference: between two of their numbers.
    """

    rows: int
    least_cosine: float
    largest_difference: float

    @property
    def ok(self) -> bool:
        """Whether they are the same vectors but for rounding."""
        return self.least_cosine >= LEAST_COSINE


@dataclass(frozen=True)
class Embedded:
    """What :func:`embed_corpus` did.

    Args:
        path: the folder.
        rows: with vectors.
        left_out: rows of the file without a text or a title.
        dim: of the vectors.
        shards: that the corpus has.
        embedded: shards that were embedded now; the others were done.
        parity: of a sample.
    """

    path: str
    rows: int
    left_out: int
    dim: int
    shards: int
    embedded: int
    parity: Parity


def embed_corpus(  # noqa: PLR0913 -- what the command line has
    model: str,
    source: Path | str,
    out: Path | str,
    *,
    rows: int = 10_000,
    column: str = "text",
    chunk: str | None = None,
    prompt: str | None = None,
    precision: str = "float32",
    spread: Spread | None = None,
    progress: Progress = silent,
) -> Embedded:
    """Embed a corpus into Parquet files, each row exactly once, or go on with that.

    The folder then holds `plan.json`, `vectors/NNNNNN.parquet` with the rows and a column `vector`, and
    `done/NNNNNN.json` with the SHA-256 of each. `accord index MODEL FOLDER` makes a store of them. Documents are read
    as there: the title before the text, with the model's document prompt.

    Args:
        model: what :func:`accord.load` takes, on every worker.
        source: JSONL(.gz), CSV, TSV or Parquet; it is read in parts.
        out: the folder, which every worker can write to; it takes about 4 bytes a number besides the texts.
        rows: of a shard: what a killed worker may cost.
        column: of the texts.
        chunk: "sentences:5" or "tokens:256": each text becomes several rows; see `accord index`.
        prompt: name of one of the model's prompts; its document prompt when not given.
        precision: "float32", "bfloat16" or "auto".
        spread: who embeds the shards; this process, one after another, when not given.
        progress: opens bars.

    Raises:
        InputError: an unknown column or prompt, an id that is there twice, or a folder with shards of something else.
        StoreLocked: another command is at work in the folder.
        DataError: a line that cannot be read.
        CheckFailed: vectors of the workers are not those that this machine makes.
        Interrupted: by Ctrl-C; the shards that are done stay.
    """
    check_at_least("rows", rows, 1)
    check_choice("precision", precision, PRECISIONS)
    out = Path(out).absolute()
    encoder = load(model)
    encoder.role_prompt("document", prompt)  # refuses an unknown name before anything is written
    record = {**model_record(encoder, model), "document_prompt": prompt}
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with writer_lock(out):
        plan = cut_corpus(
            out, Path(source), encoder, record, rows_a_shard=rows, column=column, chunk=chunk, precision=precision,
            progress=progress,
        )  # fmt: skip
        place = record.get("path") or record["name"]  # a model may have moved since
        embedded = _embedded(plan, place, spread, progress)
        parity = _parity(open_shards(out), encoder)
        if not parity.ok:
            raise CheckFailed(
                f"Of {parity.rows} rows that were embedded again here, one differs: cosine {parity.least_cosine:.4f}. "
                "The workers compute otherwise than this machine. Compare their versions of torch and their "
                f"`precision`, remove {out} and embed again."
            )
        plan.forget_corpus()
    dim = int(plan.model["dim"])
    return Embedded(str(out), plan.rows, plan.left_out, dim, plan.shards, embedded, parity)


def _embedded(plan: ShardPlan, model: str, spread: Spread | None, progress: Progress) -> int:
    """Embed the shards that are not done; gives how many those were."""
    todo = [shard for shard in range(plan.shards) if not is_done(plan, shard)]
    work = functools.partial(embed_shard, str(plan.path), model=model)
    try:
        with progress("embed", total=plan.rows, unit="rows") as advance:
            advance(plan.rows - sum(map(plan.rows_of, todo)))
            for count in map(work, todo) if spread is None else spread.run(work, todo):
                advance(count)
    except KeyboardInterrupt as stop:
        done = sum(is_done(plan, shard) for shard in range(plan.shards))
        raise Interrupted(f"Interrupted: {done:,} of {plan.shards:,} shards are done. Run it again to go on.") from stop
    for file in (plan.vectors_file(0), plan.line_file(0)):
        clear_leftovers(file.parent)
    return len(todo)


def _parity(shards: Shards, encoder: TextEncoder | StaticEncoder) -> Parity:
    """Embed some rows again; at most eight shards are read for it."""
    plan, draw = shards.plan, np.random.default_rng(0)
    some = np.sort(draw.choice(plan.shards, min(8, plan.shards), replace=False))
    each = -(-SAMPLE // len(some))
    rows = [n * plan.rows_a_shard + draw.permutation(plan.rows_of(n))[:each] for n in some.tolist()]
    table, stored = shards.take(np.concatenate(rows))
    texts = [text_of(record) for record in records_of(table)]
    again = encoder.encode_document(texts, prompt_name=plan.model["document_prompt"], precision=plan.precision)
    lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(again, axis=1)
    cosines = np.sum(stored * again, axis=1) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return Parity(len(texts), float(cosines.min()), float(np.abs(stored - again).max()))
