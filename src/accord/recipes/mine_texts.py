"""Mine a collection of texts: paraphrases, and rows that nearly repeat others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.types import Encodes
from accord.data.leakage import normalise
from accord.data.mining.near_duplicates import near_duplicates
from accord.data.mining.paraphrases import paraphrases
from accord.data.read import read
from accord.data.signals import Scored, Signal
from accord.data.write import check_writable, write_table
from accord.encoders import load
from accord.encoders.cache import VectorCache
from accord.evaluation.encoding import similarity_kind
from accord.recipes.guides import encoded
from accord.recipes.mine import Mining, Stages

__all__ = ["drop_near_duplicates", "mine_paraphrases"]

DIGITS = 6


def mine_paraphrases(
    model: Encodes | str,
    source: Signal | Path | str,
    *,
    out: Path | str | None = None,
    column: str | None = None,
    neighbours: int = 10,
    pairs: int = 500_000,
    min_score: float | None = None,
    cache: VectorCache | Path | str | None = None,
    progress: Progress = silent,
) -> Mining:
    """Find the pairs of texts that lie nearest to each other.

    Texts that are equal but for case, width and white space are one text: the first of them.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        source: any signal, or a file of one.
        out: a file to write, .jsonl (also .jsonl.gz) or .parquet: `text1`, `text2`, `score`, best first.
        column: of the texts; the first text column when not given.
        neighbours: of each text that are looked at.
        pairs: most pairs.
        min_score: pairs below it are left out.
        cache: a folder, or a cache, where vectors are kept.
        progress: opens bars.

    Returns:
        The pairs and a report.

    Raises:
        InputError: fewer than two texts, or no pair that scores enough.
    """
    path = None if out is None else check_writable(out)
    stages = Stages()
    with stages("read"):
        signal = source if isinstance(source, Signal) else read(source, progress=progress)
        name = _text_column(signal, column)
        every = signal.texts(name).to_pylist()
        firsts: dict[str, str] = {}
        for text in every:
            firsts.setdefault(normalise(text), text)
        texts = list(firsts.values())
        if len(texts) < 2:
            raise InputError(f"{signal.origin or 'The signal'}: `{name}` holds {len(texts)} distinct text(s), of 2.")
    with stages("load"):
        encoder, held = _ready(model, cache)
    with stages("encode"):
        vectors = encoded(encoder, texts, "text", cache=held, progress=progress)
    with stages("search"):
        kind = similarity_kind(encoder)
        found = paraphrases(
            vectors, neighbours=neighbours, pairs=pairs, min_score=min_score, kind=kind, progress=progress
        )
    if not len(found):
        raise InputError(f"No pair of texts scores {min_score} or more. Lower the minimum score.")
    with stages("write"):
        all_texts = pa.array(texts, pa.large_string())
        table = pa.table(
            {
                "text1": all_texts.take(pa.array(found.left)),
                "text2": all_texts.take(pa.array(found.right)),
                "score": np.round(found.scores.astype(np.float64), DIGITS),
            }
        )
        if path is not None:
            write_table(table, path, progress=progress)
    report = {
        "texts": len(every), "distinct": len(texts), "pairs": len(found), "column": name,
        "highest": float(found.scores[0]), "lowest": float(found.scores[-1]), "mean": float(found.scores.mean()),
    } | _ending(path, stages, held)  # fmt: skip
    return Mining(Scored.of(table), report)


def drop_near_duplicates(
    model: Encodes | str,
    source: Signal | Path | str,
    *,
    threshold: float,
    out: Path | str | None = None,
    column: str | None = None,
    cache: VectorCache | Path | str | None = None,
    progress: Progress = silent,
) -> Mining:
    """Leave out each row whose text nearly repeats the text of a row before it.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        source: a signal with one text in the column of each row, or a file of one.
        threshold: cosine from which a text repeats another.
        out: a file to write, .jsonl (also .jsonl.gz) or .parquet, with all columns of the rows that stay.
        column: of the texts; the first text column when not given.
        cache: a folder, or a cache, where vectors are kept.
        progress: opens bars.

    Returns:
        The rows that stay and a report, with up to ten of the pairs that were found, the least alike first.

    Raises:
        InputError: a column of lists, or a threshold outside [-1, 1].
    """
    path = None if out is None else check_writable(out)
    stages = Stages()
    with stages("read"):
        signal = source if isinstance(source, Signal) else read(source, progress=progress)
        name = _text_column(signal, column)
        texts = signal.column(name)
        if not all(isinstance(text, str) for text in texts):
            raise InputError(f"`{name}` holds lists of texts. Rows are compared by a column with one text each.")
    with stages("load"):
        encoder, held = _ready(model, cache)
    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    with stages("encode"):
        vectors = encoded(encoder, list(place), "text", cache=held, progress=progress)
    with stages("search"):
        found = near_duplicates(vectors, threshold=threshold, progress=progress)
    with stages("write"):
        distinct = list(place)
        kept = set(found.kept.tolist())
        seen: set[str] = set()
        rows = [i for i, t in enumerate(texts) if place[t] in kept and not (t in seen or seen.add(t))]
        result = signal.take(rows)
        if path is not None:
            write_table(result.table, path, progress=progress)
    near = np.flatnonzero(found.of != np.arange(len(distinct)))
    shown = near[np.argsort(found.scores[near], kind="stable")][:10]
    report = {
        "rows": len(texts), "kept": len(rows), "equal_texts": len(texts) - len(distinct),
        "near_duplicates": len(near), "threshold": threshold, "column": name,
        "examples": [
            {"text": distinct[i], "repeats": distinct[found.of[i]], "score": float(found.scores[i])} for i in shown
        ],
    } | _ending(path, stages, held)  # fmt: skip
    return Mining(result, report)


def _text_column(signal: Signal, column: str | None) -> str:
    name = signal.text_columns[0] if column is None else signal.resolve(column)
    check_choice("column", name, signal.text_columns)
    return name


def _ready(model: Encodes | str, cache: VectorCache | Path | str | None) -> tuple[Encodes, VectorCache | None]:
    encoder: Encodes = load(model) if isinstance(model, str) else model
    return encoder, cache if isinstance(cache, VectorCache) or cache is None else VectorCache(cache)


def _ending(path: Path | None, stages: Stages, cache: VectorCache | None) -> dict[str, Any]:
    return {
        "path": None if path is None else str(path),
        "seconds": stages.seconds,
        "cache": None if cache is None else {"encoded": cache.encoded, "reused": cache.reused},
    }
