"""The data of a role: train, dev and test pairs of any folder of the right shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import DataError
from accord.core.random import derive
from claims.base import Role

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.data import Pairs

__all__ = ["parts_of", "searched", "some_queries"]

DEV = 0.2
TEST = 0.3


def parts_of(folder: Path, role: Role) -> dict[str, Pairs]:
    """Train, dev and test of a role, as pairs; those of a retrieval folder bring its corpus.

    The folder's own test part is always the test. Where it has no train part, its dev part is trained on. Where no dev
    part is left, a fifth of the train queries (pairs: of the positives) become one. Pair files that are not named
    after a part are pooled and divided by their positives, three tenths to the test.

    Raises:
        DataError: a missing folder or file.
    """
    check_choice("shape", role.shape, ("retrieval", "pairs"))
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder. Say --data FOLDER, or --use ROLE=FOLDER for one role.")
    parts = _retrieval(folder) if role.shape == "retrieval" else _pairs(folder, role.files)
    if "train" not in parts:
        parts["train"] = parts.pop("dev")
    if "dev" not in parts:
        parts["train"], parts["dev"] = _cut(parts["train"], DEV, seed=1)
    return {name: parts[name] for name in ("train", "dev", "test")}


def some_queries(pairs: Pairs, most: int) -> Pairs:
    """The rows of at most `most` anchors, drawn by a hash of each: the same ones whatever else is there."""
    anchors = pairs.column("anchor")
    fortune = {anchor: derive(0, "query", anchor) for anchor in anchors}
    kept = set(sorted(fortune, key=fortune.__getitem__)[:most])
    rows = np.flatnonzero([anchor in kept for anchor in anchors])
    return pairs.take(rows)


def searched(pairs: Pairs, most: int, further: Mapping[str, str] | None = None) -> Pairs:
    """The same pairs with a corpus of `most` documents: their own positives, then others drawn by a hash.

    Args:
        pairs: queries and what is relevant to them, with or without a corpus.
        most: documents to search in; own positives always stay.
        further: documents by id to draw from where the pairs bring no corpus.
    """
    import pyarrow as pa

    own = set(pairs.column("positive"))
    documents = dict(further or {})
    if pairs.corpus is not None:
        documents = dict(zip(pairs.corpus.column("id").to_pylist(), pairs.corpus.column("text").to_pylist()))
    others = sorted((derive(0, "document", text), name) for name, text in documents.items() if text not in own)
    kept = [name for _, name in others[: max(0, most - len(own))]]
    texts = [documents[name] for name in kept]
    return pairs.with_corpus(pa.table({"id": kept, "text": texts}) if kept else None)


def _retrieval(folder: Path) -> dict[str, Pairs]:
    from accord.data import Pairs
    from accord.data.sources import RetrievalFolder

    found = [s for s in ("train", "dev", "test") if (folder / f"qrels.{s}.tsv").is_file()]
    if "test" not in found or len(found) < 2:
        raise DataError(f"{folder} must have qrels.test.tsv and one of qrels.train.tsv and qrels.dev.tsv.")
    corpus = RetrievalFolder(folder, split="test").corpus()
    return {s: Pairs(RetrievalFolder(folder, split=s).load()).with_corpus(corpus) for s in found}


def _pairs(folder: Path, files: Sequence[str]) -> dict[str, Pairs]:
    import pyarrow as pa

    from accord import read
    from accord.data import Pairs

    def table(file: Path) -> pa.Table:
        return read(file, signal=Pairs, columns={"id": None}).table.select(["anchor", "positive"])

    found = {file.name.partition(".")[0]: file for file in sorted(folder.glob("*.jsonl*"))}
    if "test" in found and len(found.keys() & {"train", "dev"}):
        return {name: Pairs(table(found[name])) for name in ("train", "dev", "test") if name in found}
    missing = [name for name in files if name not in found]
    if missing or not found:
        raise DataError(f"{folder} lacks {missing[0] if missing else 'files of pairs'}.jsonl.gz.")
    whole = Pairs(pa.concat_tables([table(found[name]) for name in files or found]))
    train, test = _cut(whole, TEST, seed=0)
    return {"train": train, "test": test}


def _cut(pairs: Pairs, share: float, *, seed: int) -> tuple[Pairs, Pairs]:
    """Two parts that share no query (retrieval) or no positive (pairs); a second cut needs another seed."""
    from accord.data import split

    by = "query_id" if "query_id" in pairs.table.column_names else "positive"
    parts = split(pairs, by=by, dev=0.0, test=share, seed=seed)
    return pairs.take(parts.train), pairs.take(parts.test)
