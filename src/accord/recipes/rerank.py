"""Apply a cross-encoder: to a file of queries with candidates, to a run of another system, to a search."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from torch import nn

from accord.core.checks import check_at_least
from accord.core.errors import DataError, InputError
from accord.core.progress import Progress, silent
from accord.core.storage import atomic_file
from accord.data.signals import Ranked
from accord.data.sources import File, RetrievalFolder
from accord.encoders.pairs import CrossEncoder, load
from accord.recipes.index import open_index
from accord.retrieval import Hit
from accord.retrieval.rerank import rerank as rerank_hits
from accord.retrieval.searching import Mode

__all__ = ["rerank_file", "search"]

RUN_COLUMNS = 6
TAG = "accord"


def search(
    store: Path | str,
    question: str,
    *,
    k: int = 10,
    where: str | None = None,
    mode: Mode = "dense",
    explain: bool = False,
    rerank: str | None = None,
    candidates: int = 100,
) -> list[Hit]:
    """Search a store, and let a cross-encoder put the candidates in order.

    Args:
        store: a store, or a run folder with an index.
        question: what to look for.
        k: how many answers.
        where: which documents may be found; see :mod:`accord.retrieval.filters`.
        mode: as for :meth:`accord.retrieval.Store.search`.
        explain: say by which ways of searching each answer was found.
        rerank: a cross-encoder, as for :func:`accord.encoders.pairs.load`; none when not given.
        candidates: how many documents it reads; at least `k`.

    Raises:
        InputError: fewer candidates than answers, a model that does not score pairs, or what the store refuses.
    """
    if rerank is None:
        return open_index(store).search(question, k=k, where=where, mode=mode, explain=explain)
    if candidates < k:
        raise InputError(f"`candidates` must be at least `k` = {k}. Got {candidates} instead.")
    model = _load(rerank)
    found = open_index(store).search(question, k=candidates, where=where, mode=mode, explain=explain)
    return rerank_hits(question, found, model, k=k)


def rerank_file(
    model: str,
    source: Path | str,
    out: Path | str,
    *,
    data: Path | str | None = None,
    scores: bool = False,
    k: int | None = None,
    precision: str = "float32",
    progress: Progress = silent,
) -> dict[str, Any]:
    """Score the candidates of every query of a file.

    Args:
        model: a cross-encoder with one label, as for :func:`accord.encoders.pairs.load`.
        source: rows with `query` and lists `pos` and `neg`, or with `query` and one list `documents`; or a run
            (`query Q0 document rank score tag` a line), whose texts `data` holds.
        out: `.jsonl` for rows; for a run, a run.
        data: folder with `corpus.jsonl` and `queries.jsonl`, for a run.
        scores: keep the rows of `pos` and `neg` in their order and add `pos_scores` and `neg_scores`, raw, for
            distillation.
        k: documents to keep of each query.
        precision: "float32", "bfloat16" or "auto".
        progress: opens bars.

    Returns:
        What was written: queries, pairs, path.

    Raises:
        InputError: a model that does not score pairs, a file without candidates, a text that is not in `data`.
    """
    source, out = Path(source), Path(out)
    if k is not None:
        check_at_least("k", k, 1)
    if scores and (k is not None or data is not None):
        raise InputError("`--scores` keeps all candidates of rows with `pos` and `neg`. Leave `--k` and `--data` out.")
    if data is None and out.suffix != ".jsonl":
        raise InputError(f"`--out` must end with .jsonl for rows. Got {out.name!r} instead.")
    lists = _run_lists(source, data, progress) if data is not None else _row_lists(source, scores=scores)
    scorer = _load(model)
    queries = [one.query for one in lists for _ in one.documents]
    documents = [text for one in lists for text in one.documents]
    activation = nn.Identity() if scores else None
    found = scorer.score(queries, documents, activation=activation, precision=precision, progress=progress)
    bounds = np.cumsum([len(one.documents) for one in lists])[:-1]
    parts = list(zip(lists, np.split(found, bounds)))
    with atomic_file(out, "w") as handle:
        for one, values in parts:
            lines = one.run_lines(values, k) if data is not None else [one.row(values, k, scores=scores)]
            handle.writelines(f"{line}\n" for line in lines)
    return {"queries": len(lists), "pairs": len(documents), "path": str(out)}


@dataclass(frozen=True)
class _List:
    """One query with its candidates.

    Args:
        query: its text.
        documents: texts of the candidates.
        name: the query's id.
        names: ids of the documents, in a run.
        right: how many of the documents are positives; None where that is not known.
        kept: what else the row holds.
    """

    query: str
    documents: Sequence[str]
    name: str
    names: Sequence[str] = ()
    right: int | None = None
    kept: Mapping[str, Any] | None = None

    def row(self, values: np.ndarray, k: int | None, *, scores: bool) -> str:
        """A line of JSON."""
        if scores:
            rounded = [round(float(value), 6) for value in values]
            lists = {"pos": self.documents[: self.right], "neg": self.documents[self.right :]}
            taught = {"pos_scores": rounded[: self.right], "neg_scores": rounded[self.right :]}
            return _json({**(self.kept or {}), "query": self.query, **lists, **taught})
        order = np.argsort(-values, kind="stable")[:k].tolist()
        found: dict[str, Any] = {
            "id": self.name,
            "query": self.query,
            "documents": [self.documents[n] for n in order],
            "scores": [round(float(values[n]), 6) for n in order],
        }
        if self.right is not None:
            found["labels"] = [int(n < self.right) for n in order]
        return _json(found)

    def run_lines(self, values: np.ndarray, k: int | None) -> Iterator[str]:
        """Lines of a run."""
        for rank, n in enumerate(np.argsort(-values, kind="stable")[:k].tolist(), 1):
            yield f"{self.name} Q0 {self.names[n]} {rank} {float(values[n]):.6f} {TAG}"


def _load(model: str) -> CrossEncoder:
    """A cross-encoder with one label.

    Raises:
        InputError: one with several.
    """
    scorer = load(model)
    if scorer.num_labels != 1:
        raise InputError(
            f"Reranking needs a cross-encoder with 1 label, and {model} has {scorer.num_labels} "
            f"({', '.join(scorer.labels)}). Name another model."
        )
    return scorer


def _row_lists(source: Path, *, scores: bool) -> list[_List]:
    """Queries with lists of candidates, from a file of rows."""
    table = File(str(source)).load()
    columns = table.column_names
    if "documents" in columns and "query" in columns and not scores:
        return [_documents_row(row, f"{source}, row {number}") for number, row in enumerate(table.to_pylist(), 1)]
    if scores or "pos" in columns or "positive" in columns:
        signal = Ranked.of(table, origin=str(source))
        rows = zip(signal.ids, signal.column("query"), signal.column("pos"), signal.column("neg"))
        extra = [name for name in ("id", "prompt") if name in signal.table.column_names and name in columns]
        kept = [{name: row[name] for name in extra} for row in signal.table.select(extra).to_pylist()] if extra else []
        return [
            _List(query, [*pos, *neg], name, right=len(pos), kept=kept[n] if kept else None)
            for n, (name, query, pos, neg) in enumerate(rows)
        ]
    raise DataError(
        f"{source} has no candidates. It needs `query` with lists `pos` and `neg`, or `query` with a list `documents`; "
        f"it has: {', '.join(columns)}. For a run (query Q0 document rank score tag), name its texts by --data."
    )


def _documents_row(row: Mapping[str, Any], where: str) -> _List:
    documents = row["documents"]
    texts = isinstance(documents, list) and documents and all(isinstance(text, str) for text in documents)
    if not isinstance(row["query"], str) or not texts:
        raise DataError(f"{where}: `query` must be a text and `documents` a list of texts. Got {row!r:.80} instead.")
    return _List(row["query"], documents, str(row.get("id", row.get("_id", ""))))


def _run_lists(source: Path, data: Path | str, progress: Progress) -> list[_List]:
    """Queries with the documents of a run, texts from a retrieval folder."""
    folder = RetrievalFolder(str(data))
    queries, corpus = _by_id(folder.queries(progress)), _by_id(folder.corpus(progress))
    if not source.is_file():
        raise DataError(f"{source} does not exist.")
    found: dict[str, list[str]] = {}
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != RUN_COLUMNS:
            raise DataError(
                f"{source}, line {number}: a run has {RUN_COLUMNS} words a line (query Q0 document rank score tag). "
                f"Got {len(words)}."
            )
        for word, known, what in ((words[0], queries, "queries"), (words[2], corpus, "corpus")):
            if word not in known:
                raise DataError(f"{source}, line {number}: `{word}` is not in the {what} of {data}.")
        names = found.setdefault(words[0], [])
        if words[2] not in names:
            names.append(words[2])
    if not found:
        raise DataError(f"{source} is empty.")
    return [_List(queries[q], [corpus[d] for d in names], q, names) for q, names in found.items()]


def _by_id(table: pa.Table) -> dict[str, str]:
    return dict(zip(table.column("id").to_pylist(), table.column("text").to_pylist()))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
