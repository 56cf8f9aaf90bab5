"""One shard: read its texts, embed them, write its file. Any machine may do it, and any number of times."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from accord.core.errors import InputError
from accord.core.storage import atomic_file, hash_file, write_json
from accord.encoders import StaticEncoder, TextEncoder, load
from accord.recipes.corpus_rows import records_of, text_of
from accord.recipes.shards.plan import ShardPlan, is_done, read_plan

__all__ = ["embed_shard"]


def embed_shard(folder: Path | str, shard: int, *, model: str | None = None) -> int:
    """Embed one shard, unless it is done.

    The file of rows and vectors is forced to the disk and gets its name, and then the line that says so: where a worker
    is killed in between, the next one writes an equal file. A process keeps its model between shards.

    Args:
        folder: with a plan.
        shard: its number, from 0.
        model: where the plan's model lies now, if it was moved.

    Returns:
        How many rows were embedded now; 0 where that was done before.

    Raises:
        InputError: the model is not the plan's; no such shard.
    """
    plan = _plan(str(folder), Path(folder, "plan.json").stat().st_mtime_ns)
    if not 0 <= shard < plan.shards:
        raise InputError(f"`shard` must be from 0 to {plan.shards - 1} for {folder}. Got {shard}.")
    if is_done(plan, shard):
        return 0
    begun = time.perf_counter()
    encoder = _encoder(model or plan.model.get("path") or plan.model["name"], plan.model["fingerprint"])
    table = plan.texts_of(shard)
    texts = [text_of(record) for record in records_of(table)]
    vectors = encoder.encode_document(texts, prompt_name=plan.model["document_prompt"], precision=plan.precision)
    cells = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    table = table.append_column("vector", cells).replace_schema_metadata(None)
    with atomic_file(plan.vectors_file(shard)) as handle:
        pq.write_table(table, handle, compression="zstd", use_dictionary=False)
    line = {
        "plan": plan.key,
        "rows": table.num_rows,
        "sha256": hash_file(plan.vectors_file(shard)),
        "seconds": round(time.perf_counter() - begun, 3),
    }
    write_json(plan.line_file(shard), line)
    return table.num_rows


@lru_cache(maxsize=1)
def _plan(folder: str, changed: int) -> ShardPlan:
    del changed
    return read_plan(folder)


@lru_cache(maxsize=1)
def _encoder(place: str, fingerprint: str) -> TextEncoder | StaticEncoder:
    encoder = load(place)
    if encoder.fingerprint() != fingerprint:
        raise InputError(
            f"The model at {place} is not the one that the shards were planned with (their hashes differ). Put that "
            "one back, or plan anew in another folder."
        )
    return encoder
