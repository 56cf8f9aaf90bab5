"""Index a column of a source with a finished encoder, and open such an index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from accord import encoders
from accord.core.checks import did_you_mean
from accord.core.errors import InputError, RecipeError
from accord.core.progress import Progress, silent
from accord.recipes.prepare import Prepared
from accord.recipes.run_folder import RunFolder
from accord.retrieval import Store
from accord.retrieval import open as open_store

__all__ = ["build_index", "check_index", "open_index"]

METADATA_CHARACTERS = 400


def check_index(prepared: Prepared) -> None:
    """Refuse an index of a column that the source does not have.

    Raises:
        RecipeError: names the columns that there are.
    """
    wanted = prepared.recipe.spec.index
    if wanted is None:
        return
    source = prepared.tasks[wanted.task].spec.source
    if source not in prepared.tables:
        raise RecipeError(
            f"index.task: the source `{source}` of `{wanted.task}` is streamed, and an index holds all its texts. "
            "Leave `index` out, or take `stream` away."
        )
    columns = prepared.tables[source].column_names
    if wanted.column not in columns:
        raise RecipeError(
            f"index.column is `{wanted.column}`, which the source of `{wanted.task}` does not have."
            f"{did_you_mean(wanted.column, columns)} It has: {', '.join(columns)}."
        )


def build_index(folder: RunFolder, prepared: Prepared, *, progress: Progress = silent) -> Path | None:
    """Encode every distinct text of the index's column and write the store; kept when it is there already.

    Args:
        folder: of the run; its model is used.
        prepared: gives the table and the task's document prompt.
        progress: opens the bar.

    Returns:
        The store's folder.
    """
    wanted = prepared.recipe.spec.index
    if wanted is None or folder.index.is_dir():
        return folder.index if wanted else None
    check_index(prepared)
    task = prepared.tasks[wanted.task]
    records = _records(prepared.tables[task.spec.source], wanted.column)
    encoder = encoders.load(str(folder.model))
    query, document = task.prompts
    texts = [record["text"] for record in records]
    vectors = encoder.encode_document(texts, prompt_name=document, precision="auto", progress=progress)
    model = {
        "path": "../model",
        "fingerprint": encoder.fingerprint(),
        "dim": encoder.dim,
        "similarity": encoder.similarity_name,
        "query_prompt": query,
        "document_prompt": document,
    }
    partial = folder.path / ".partial-index"
    store = Store.create(partial, model=model, exist_ok=False)
    with store.write() as writer:
        writer.add(records, vectors)
    store.close()
    partial.rename(folder.index)
    return folder.index


def _records(table: pa.Table, column: str) -> list[dict[str, Any]]:
    """One record for each distinct text; the other columns that are short become its metadata."""
    seen: dict[str, dict[str, Any]] = {}
    for row in table.to_pylist():
        text = row[column]
        if text not in seen:
            kept = {k: v for k, v in row.items() if k not in {column, "id"} and _short(v)}
            seen[text] = {"id": row["id"], "text": text, **kept}
    return list(seen.values())


def _short(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= METADATA_CHARACTERS
    return isinstance(value, (int, float, bool))


def open_index(path: Path | str, *, model: Any = None, create: bool = False) -> Store:
    """Open a store, or the store of a run folder.

    Args:
        path: of either.
        model: answers text queries in place of the recorded model: an encoder, or what :func:`accord.load` takes.
        create: make an empty store of this model where there is nothing.

    Raises:
        InputError: neither, or `create` without a model.
    """
    path = Path(path)
    if (path / "index").is_dir():
        path = path / "index"
    elif (path / "results.json").is_file() or (path / "recipe.yaml").is_file():
        raise InputError(f"{path} has no index: add `index: {{task: ..., column: ...}}` to its recipe and fit again.")
    return open_store(path, model=model, create=create)
