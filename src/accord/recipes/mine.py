"""Mine hard negatives for the queries of a file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.types import Encodes, Ragged, Scores
from accord.data.mining.collection import Collection
from accord.data.mining.hard_negatives import Mined, NegativeRules, hard_negatives
from accord.data.mining.layouts import LAYOUTS, Found, further_columns
from accord.data.read import read
from accord.data.signals import Signal, Unlabelled
from accord.data.write import check_writable, write_table
from accord.encoders import load
from accord.encoders.cache import VectorCache
from accord.evaluation.encoding import similarity_kind
from accord.maths.nearest import nearest, place_scores
from accord.recipes.guides import encoded, guide_scores

__all__ = ["Mining", "Stages", "mine"]


@dataclass(frozen=True)
class Mining:
    """What was mined.

    Args:
        signal: the rows, as they read back from the file.
        report: what was found and what was not, in plain values.
    """

    signal: Signal
    report: Mapping[str, Any]


class Stages:
    """Seconds of each stage of a job."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what happens within."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


def mine(
    model: Encodes | str,
    source: Signal | Path | str,
    *,
    out: Path | str | None = None,
    corpus: Unlabelled | Path | str | None = None,
    rules: NegativeRules = NegativeRules(),  # noqa: B008
    guide: Encodes | Scores | str | None = None,
    layout: str = "ranked",
    cache: VectorCache | Path | str | None = None,
    progress: Progress = silent,
) -> Mining:
    """Find, for every query, documents that the model ranks high and that are not its answer.

    All positives of a query, in whatever rows they stand, and texts equal to them or to the query but for case, width
    and white space are never its negatives. The search is exact. Scores are cosines, or dot products for a model made
    for them; those of the guide, where there is one, take their place in the columns, and the model's stand beside
    them under `model_...`.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        source: `Pairs`, `Ranked` or `Labelled`, or a file of one of them.
        out: a file to write, .jsonl (also .jsonl.gz) or .parquet.
        corpus: further documents, or a file with a column `text`.
        rules: which documents may be taken, and how many.
        guide: a cross-encoder or another encoder (or what :func:`accord.load` takes): a candidate that it does not put
            below the query's positives is refused.
        layout: "ranked", a row a query with lists and scores; "triplets", a row a negative; "pairs", a row a positive
            with its negatives in columns; "scored", a row a pair of texts with 1 or 0.
        cache: a folder, or a :class:`~accord.encoders.cache.VectorCache`, where vectors are kept.
        progress: opens bars.

    Returns:
        The rows and a report.

    Raises:
        InputError: a source that has no queries, an unknown layout or ending, or no negative for any query.
    """
    check_choice("layout", layout, LAYOUTS)
    path = None if out is None else check_writable(out)
    stages = Stages()
    with stages("read"):
        signal = source if isinstance(source, Signal) else read(source, progress=progress)
        collection = Collection.of(signal, corpus=_corpus(corpus, progress), seed=rules.seed)
    with stages("load"):
        encoder: Encodes = load(model) if isinstance(model, str) else model
        held = cache if isinstance(cache, VectorCache) or cache is None else VectorCache(cache)
    with stages("encode"):
        queries = encoded(encoder, collection.queries, "query", cache=held, progress=progress)
        documents = encoded(encoder, collection.documents, "document", cache=held, progress=progress)
    kind = similarity_kind(encoder)
    with stages("search"):
        owners = np.repeat(np.arange(len(collection.queries)), collection.positives.lengths)
        right = place_scores(queries, documents, owners, collection.positives.values, kind=kind)
        candidates, scores = _candidates(collection, queries, documents, rules.ranks[1], kind, progress)
        inside = _known_inside(collection, queries, documents, scores, kind)
        del queries, documents
    with stages("filter"):
        asked = None if guide is None else guide_scores(
            guide, collection.queries, collection.documents, cache=held, progress=progress
        )  # fmt: skip
        guided = None if asked is None else asked(owners, collection.positives.values)
        mined = hard_negatives(
            candidates,
            scores,
            lowest(right, collection.positives),
            rules,
            veto=asked,
            veto_positives=None if guided is None else lowest(guided, collection.positives),
        )
    _check_found(mined, signal, rules)
    with stages("write"):
        found = _found(collection, mined, signal, right, guided)
        table, without_row = LAYOUTS[layout][1](found)
        result = LAYOUTS[layout][0].of(table)
        if path is not None:
            write_table(table, path, progress=progress)
    report = _report(collection, mined, found, rules, known=inside) | {
        "layout": layout, "rows": table.num_rows, "positives_without_row": without_row,
        "path": None if path is None else str(path), "seconds": stages.seconds,
        "cache": None if held is None else {"encoded": held.encoded, "reused": held.reused},
    }  # fmt: skip
    return Mining(result, report)


def lowest(scores: np.ndarray, lists: Ragged) -> np.ndarray:
    """The smallest score of each list, none of which is empty.

    >>> lowest(np.array([0.5, 0.2, 0.9]), Ragged.of([[4, 7], [1]])).tolist()
    [0.2, 0.9]
    """
    return np.minimum.reduceat(scores, lists.offsets[:-1])


def _corpus(corpus: Unlabelled | Path | str | None, progress: Progress) -> list[str]:
    if corpus is None:
        return []
    signal = corpus if isinstance(corpus, Signal) else read(corpus, signal=Unlabelled, progress=progress)
    return signal.column("text")


def _candidates(
    collection: Collection, queries: np.ndarray, documents: np.ndarray, width: int, kind: str, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """(queries, width) document rows by rank, without what is known to be right, and their scores."""
    searched = collection.searched
    whole = len(searched) == len(documents)
    places, scores = nearest(
        queries,
        documents if whole else documents[searched],
        width,
        order=np.arange(len(searched))[::-1],
        forbid=collection.forbidden,
        kind=kind,
        progress=progress,
    )
    return np.where(places >= 0, searched[places], -1), scores


def _known_inside(
    collection: Collection, queries: np.ndarray, documents: np.ndarray, scores: np.ndarray, kind: str
) -> int | None:
    """How many known positives and equal texts score like candidates; None where classes say what is known."""
    if collection.known is None:
        return None
    owners = np.repeat(np.arange(len(collection.known)), collection.known.lengths)
    own = place_scores(queries, documents, owners, collection.searched[collection.known.values], kind=kind)
    return int((own >= scores[owners, -1]).sum())


def _check_found(mined: Mined, signal: Signal, rules: NegativeRules) -> None:
    """Refuse to go on with nothing.

    Raises:
        InputError: says what became of the candidates.
    """
    if mined.counts["taken"]:
        return
    refused = {name: n for name, n in mined.counts.items() if n and name not in {"candidates", "spare", "taken"}}
    shown = ", ".join(f"{n:,} by {name}" for name, n in refused.items()) or "there were none"
    start, stop = rules.ranks
    earlier = f"Begin the ranks earlier than {start}, lower" if start else "Lower"
    raise InputError(
        f"{signal.origin or 'The signal'}: no negative was found. Of {mined.counts['candidates']:,} candidates in "
        f"ranks 0:{stop}, refused: {shown}. {earlier} the margins, or give a corpus."
    )


def _found(collection: Collection, mined: Mined, signal: Signal, right: np.ndarray, guided: np.ndarray | None) -> Found:
    scores = {"": (right, mined.scores)}
    if guided is not None and mined.guide_scores is not None:
        scores = {"": (guided, mined.guide_scores), "model_": (right, mined.scores)}
    return Found(
        queries=collection.queries,
        documents=collection.documents,
        positives=collection.positives,
        negatives=mined.documents,
        scores=scores,
        further=further_columns(signal, collection.origins),
    )


def _report(
    collection: Collection, mined: Mined, found: Found, rules: NegativeRules, *, known: int | None
) -> dict[str, Any]:
    """Counts and means; nothing that was left out is left unsaid."""
    names = {"": "model"} if len(found.scores) == 1 else {"": "guide", "model_": "model"}
    there = mined.documents >= 0
    return {
        "queries": len(collection.queries),
        "documents": len(collection.searched),
        "positives": len(collection.positives.values),
        "rows_without_positive": collection.left_out,
        "negatives": int(there.sum()),
        "wanted": len(collection.queries) * rules.negatives,
        "queries_full": int((mined.found == rules.negatives).sum()),
        "queries_short": int(((mined.found > 0) & (mined.found < rules.negatives)).sum()),
        "queries_without": int((mined.found == 0).sum()),
        "known_inside": known,
        "candidates": dict(mined.counts),
        "scores": {
            names[prefix]: {"positives": _numbers(right), "negatives": _numbers(wrong[there])}
            for prefix, (right, wrong) in found.scores.items()
        },
    }


def _numbers(scores: np.ndarray) -> dict[str, float]:
    wide = scores.astype(np.float64)
    low, middle, high = np.quantile(wide, [0.05, 0.5, 0.95])
    return {"mean": float(wide.mean()), "p5": float(low), "median": float(middle), "p95": float(high)}
