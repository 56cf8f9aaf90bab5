"""A retrieval collection as a folder: corpus, queries and judgements."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pyarrow as pa

from accord.core.errors import DataError
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.data.arrow import compute as pc
from accord.data.checking import check_ids, check_notes, check_scores, check_texts
from accord.data.formats import read_table
from accord.data.lines import Where, open_text, with_origin

__all__ = ["RetrievalFolder"]

logger = logging.getLogger(__name__)

BLANK = pa.scalar(" ", pa.large_string())


class RetrievalFolder(Described):
    """Pairs of a query and each document judged relevant, and the whole corpus to search in.

    The folder holds ``corpus.jsonl`` (id or _id, title, text), ``queries.jsonl`` (id or _id, text), each also with .gz,
    and judgements (query, document, score, with a heading line) in ``qrels.tsv``, ``qrels.SPLIT.tsv`` or
    ``qrels/SPLIT.tsv``. A document's text is its title, a blank and its text; documents without either are left out,
    with their judgements, and counted in the log. Judgements of 0 or less say "not relevant" and make no pair; of a
    judgement given twice the higher one counts.

    Reference: Thakur et al. (2021), arXiv:2104.08663 (BEIR), whose layout this is.

    Args:
        path: the folder.
        split: which judgements; None for ``qrels.tsv``.

    >>> RetrievalFolder("scifact", split="test")
    RetrievalFolder(path='scifact', split='test')
    """

    def __init__(self, path: str | Path, split: str | None = None) -> None:
        self.path = str(path)
        self.split = split

    def load(self, progress: Progress = silent) -> pa.Table:
        """Columns id, anchor, positive, score, query_id and document_id; one row a relevant document.

        Raises:
            DataError: a missing file, or a row that cannot be used, with its line.
        """
        judgements_file = self._judgements()
        with progress(f"read {Path(self.path).name}", total=3, unit="files") as advance:
            queries = _texts(self._file("queries"), titled=False)
            advance(1)
            documents = _texts(self._file("corpus"), titled=True)
            advance(1)
            judgements = _judgements(judgements_file)
            advance(1)
        judged = judgements.filter(pc.greater(judgements["score"], 0))
        if not judged.num_rows:
            raise DataError(f"{judgements_file} judges no document relevant.")
        anchors = _look_up(judged, "query_id", queries, judgements_file)
        positives = _look_up(judged, "document_id", documents, judgements_file)
        table = pa.table(
            {
                "id": pc.binary_join_element_wise(judged["query_id"], judged["document_id"], BLANK),
                "anchor": anchors,
                "positive": positives,
                "score": judged["score"],
                "query_id": judged["query_id"],
                "document_id": judged["document_id"],
            }
        )
        found = _filled(table, "positive", judgements_file, "relevant document(s) have no text and make no pair")
        return with_origin(found, judgements_file)

    def corpus(self, progress: Progress = silent) -> pa.Table:
        """Columns id and text: every document of the folder.

        Raises:
            DataError: a missing file, or a row that cannot be used, with its line.
        """
        file = self._file("corpus")
        with progress(f"read {file.name}", total=1, unit="files") as advance:
            table = _filled(_texts(file, titled=True), "text", file, "document(s) without text are left out")
            advance(1)
        if not table.num_rows:
            raise DataError(f"{file}: no document has a text.")
        return with_origin(table, file)

    def queries(self, progress: Progress = silent) -> pa.Table:
        """Columns id and text: every query of the folder.

        Raises:
            DataError: a missing file, or a row that cannot be used, with its line.
        """
        file = self._file("queries")
        with progress(f"read {file.name}", total=1, unit="files") as advance:
            table = _texts(file, titled=False)
            advance(1)
        return with_origin(table, file)

    def _file(self, stem: str) -> Path:
        folder = Path(self.path)
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder.")
        for name in (f"{stem}.jsonl", f"{stem}.jsonl.gz"):
            if (folder / name).is_file():
                return folder / name
        raise DataError(f"{folder} lacks {stem}.jsonl (or {stem}.jsonl.gz).")

    def _judgements(self) -> Path:
        folder = Path(self.path)
        stems = ["qrels"] if self.split is None else [f"qrels.{self.split}", f"qrels/{self.split}"]
        for stem in stems:
            for name in (f"{stem}.tsv", f"{stem}.tsv.gz"):
                if (folder / name).is_file():
                    return folder / name
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder.")
        splits = sorted(
            {m[1] for f in folder.glob("qrels*/*.tsv*") if (m := re.fullmatch(r"(.+)\.tsv(\.gz)?", f.name))}
            | {m[1] for f in folder.glob("qrels.*.tsv*") if (m := re.fullmatch(r"qrels\.(.+)\.tsv(\.gz)?", f.name))}
        )
        has = f" It has judgements for: {', '.join(splits)}; say `split`, or {folder}@{splits[0]}." if splits else ""
        raise DataError(f"{folder} lacks {stems[0]}.tsv.{has}")


def _texts(file: Path, *, titled: bool) -> pa.Table:
    table = read_table(file)
    where = Where(str(file), table.num_rows)
    name = next((n for n in ("id", "_id") if n in table.column_names), None)
    if name is None or "text" not in table.column_names:
        missing = "id" if name is None else "text"
        raise DataError(f"{file} has no column `{missing}`. It has: {', '.join(table.column_names)}.")
    ids = check_ids(table[name], name, where)
    if not titled:
        return pa.table({"id": ids, "text": check_texts(table["text"], "text", where)})
    text = check_notes(table["text"], "text", where)
    title = (
        check_notes(table["title"], "title", where)
        if "title" in table.column_names
        else pc.utf8_slice_codeunits(text, 0, 0)
    )
    whole = pc.utf8_trim_whitespace(pc.binary_join_element_wise(title, text, BLANK))
    return pa.table({"id": ids, "text": whole})


def _filled(table: pa.Table, column: str, file: Path, note: str) -> pa.Table:
    """Rows with a text; how many have none goes to the log."""
    filled = table.filter(pc.greater(pc.binary_length(table[column]), 0))
    if filled.num_rows < table.num_rows:
        logger.warning("%s: %d %s", file, table.num_rows - filled.num_rows, note)
    return filled


def _judgements(file: Path) -> pa.Table:
    with open_text(file) as handle:
        first = handle.readline().rstrip("\r\n").split("\t")
    if len(first) != 3 or _is_number(first[2]):
        raise DataError(
            f"{file}, line 1: expected a heading line of three columns, such as query-id, corpus-id, score. "
            f"Got {first!r}."
        )
    table = read_table(file)
    where = Where(str(file), table.num_rows)
    query, document = (check_texts(table.column(i), first[i], where) for i in (0, 1))
    score = check_scores(table.column(2), first[2], where)
    plain = pa.table({"query_id": query, "document_id": document, "score": score, "row": np.arange(len(query))})
    best = plain.group_by(["query_id", "document_id"]).aggregate([("score", "max"), ("row", "min")])
    best = best.sort_by("row_min")
    return pa.table(
        {
            "query_id": best["query_id"],
            "document_id": best["document_id"],
            "score": best["score_max"],
            "row": best["row_min"],
        }
    )


def _look_up(judged: pa.Table, column: str, texts: pa.Table, file: Path) -> pa.ChunkedArray:
    rows = pc.index_in(judged[column], texts["id"].combine_chunks())
    unknown = pc.index(pc.is_null(rows), True).as_py()
    if unknown >= 0:
        what = "queries" if column == "query_id" else "corpus"
        where = Where(str(file), read_table(file).num_rows)
        raise DataError(
            f"{where(judged['row'][unknown].as_py())}: `{judged[column][unknown].as_py()}` is not in the {what} file."
        )
    return texts["text"].take(rows)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
