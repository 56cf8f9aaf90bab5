"""The data of a role: train, dev and test pairs of any folder of the right shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import DataError, InputError
from accord.core.random import derive
from claims.base import Role

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.data import Labelled, Pairs, Scored, Unlabelled

__all__ = [
    "corpus_of",
    "cut_down",
    "judged",
    "labelled",
    "parts_of",
    "scored",
    "searched",
    "some_queries",
    "texts_of",
    "triplets",
]

PARTS = ("train", "dev", "test")
DEV = 0.2
TEST = 0.3


def parts_of(folder: Path, role: Role) -> dict[str, Pairs]:
    """Train, dev and test of a role, as pairs; those of a retrieval folder bring its corpus.

    The folder's own test part is always the test. Where it has no train part, its dev part is trained on. Where no dev
    part is left, a fifth of the train queries (pairs: of the positives) become one. Pair files that are not named
    after a part are pooled and divided by their positives, three tenths to the test.

    Labelled texts become pairs of one label (kept in the column `label`): in train each text with the next one of its
    label, in dev and test half of the texts with every text of their label in the other half.

    Raises:
        DataError: a missing folder or file.
    """
    check_choice("shape", role.shape, tuple(SHAPES))
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder. Say --data FOLDER, or --use ROLE=FOLDER for one role.")
    parts = SHAPES[role.shape](folder, role.files)
    if "train" not in parts:
        parts["train"] = parts.pop("dev")
    if "dev" not in parts:
        parts["train"], parts["dev"] = _cut(parts["train"], DEV, seed=1)
    return {name: parts[name] for name in PARTS}


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


def cut_down(of: Mapping[str, Pairs], keep: np.ndarray | None, *, queries: int, documents: int) -> dict[str, Pairs]:
    """Parts of a role with fewer test queries and documents to search (dev: half as many), and without leaks.

    Args:
        of: train, dev and test.
        keep: rows of train that leak nothing; None for a role that is not trained on.
        queries: at most so many in the test.
        documents: to search in the test; relevant ones always stay.

    Raises:
        InputError: nothing is left to train on.
    """
    further = {
        f"{part}/{i}": text for part, pairs in of.items() for i, text in zip(pairs.ids, pairs.column("positive"))
    }
    found = {
        part: searched(some_queries(of[part], queries // share), documents // share, further)
        for part, share in (("dev", 2), ("test", 1))
    }
    if keep is None:
        return found
    if len(keep) < 2:
        raise InputError(
            f"{len(keep)} of {len(of['train'])} rows are left to train on: a dev or test split holds the rest."
        )
    return {"train": of["train"].take(keep), **found}


def prefixed(pairs: Pairs, query: str, document: str) -> Pairs:
    """Pairs with a text before queries and another before documents, those of the corpus too."""
    import pyarrow as pa

    from accord.data import Pairs

    columns: dict[str, Sequence[Any]] = {
        "id": pairs.ids,
        "anchor": [query + text for text in pairs.column("anchor")],
        "positive": [document + text for text in pairs.column("positive")],
    }
    columns |= {name: pairs.column(name) for name in ("score", "label") if name in pairs.table.column_names}
    new = Pairs(pa.table(columns))
    if pairs.corpus is None:
        return new
    texts = [document + text for text in pairs.corpus.column("text").to_pylist()]
    return new.with_corpus(pa.table({"id": pairs.corpus.column("id"), "text": texts}))


def corpus_of(folder: Path) -> Unlabelled:
    """The documents of a retrieval folder, as texts alone."""
    from accord.data import Unlabelled
    from accord.data.sources import RetrievalFolder

    return Unlabelled(RetrievalFolder(folder, split=_splits(folder)[0]).corpus())


def judged(folder: Path, split: str | None, *, queries: int, documents: int) -> Pairs:
    """Some queries of a retrieval folder with what is relevant to them, and so many documents to search in.

    Args:
        folder: any retrieval folder.
        split: which judgements; None for a folder with one set of them.
        queries: at most so many.
        documents: of the corpus; relevant ones always stay.
    """
    from accord.data import Pairs
    from accord.data.sources import RetrievalFolder

    source = RetrievalFolder(folder, split=split)
    return searched(some_queries(Pairs(source.load()).with_corpus(source.corpus()), queries), documents)


def scored(folder: Path, part: str) -> Scored:
    """One part of a folder of scored pairs."""
    from accord import read
    from accord.data import Scored

    return read(_part(folder, part), signal=Scored, columns={"score": "score", "id": None})


def labelled(folder: Path, part: str, *, label: str = "label") -> Labelled:
    """One part of a folder of labelled texts."""
    from accord import read
    from accord.data import Labelled

    return read(_part(folder, part), signal=Labelled, columns={"label": label, "id": None})


def triplets(folder: Path) -> Pairs:
    """Pairs with a negative each, of a folder's `triplets.train`."""
    from accord import read
    from accord.data import Pairs

    return read(_part(folder, "triplets.train"), signal=Pairs, columns={"id": None})


def texts_of(folder: Path, part: str, *columns: str) -> list[str]:
    """The distinct texts of some columns of one part, in order."""
    from accord.data.formats import read_table

    table = read_table(_part(folder, part))
    return list(dict.fromkeys(text for column in columns for text in table.column(column).to_pylist()))


def _part(folder: Path, part: str) -> Path:
    found = next((file for ending in (".jsonl.gz", ".jsonl") if (file := folder / f"{part}{ending}").is_file()), None)
    if found is None:
        raise DataError(f"{folder} lacks {part}.jsonl.gz. Say --data FOLDER, or --use ROLE=FOLDER for one role.")
    return found


def _splits(folder: Path) -> list[str | None]:
    found: list[str | None] = [split for split in PARTS if (folder / f"qrels.{split}.tsv").is_file()]
    return found or [None]


def _retrieval(folder: Path, _: Sequence[str]) -> dict[str, Pairs]:
    from accord.data import Pairs
    from accord.data.sources import RetrievalFolder

    found = [s for s in PARTS if (folder / f"qrels.{s}.tsv").is_file()]
    if "test" not in found or len(found) < 2:
        raise DataError(f"{folder} must have qrels.test.tsv and one of qrels.train.tsv and qrels.dev.tsv.")
    corpus = RetrievalFolder(folder, split="test").corpus()
    return {s: Pairs(RetrievalFolder(folder, split=s).load()).with_corpus(corpus) for s in found}


def _pairs(folder: Path, files: Sequence[str]) -> dict[str, Pairs]:
    import pyarrow as pa

    from accord import read
    from accord.data import Pairs

    def rows(name: str) -> pa.Table:
        table = read(found[name], signal=Pairs, columns={"id": None}).table
        ids = pa.array([f"{name}/{i}" for i in range(table.num_rows)])
        return pa.table({"id": ids, "anchor": table["anchor"], "positive": table["positive"]})

    found = _files(folder)
    if "test" in found and len(found.keys() & {"train", "dev"}):
        return {name: Pairs(rows(name)) for name in PARTS if name in found}
    missing = [name for name in files if name not in found]
    if missing or not found:
        raise DataError(f"{folder} lacks {missing[0] if missing else 'files of pairs'}.jsonl.gz.")
    train, test = _cut(Pairs(pa.concat_tables([rows(name) for name in files or found])), TEST, seed=0)
    return {"train": train, "test": test}


def _labelled(folder: Path, _: Sequence[str]) -> dict[str, Pairs]:
    from accord import read
    from accord.data import Labelled

    found = _files(folder)
    if not {"train", "test"} <= found.keys():
        raise DataError(f"{folder} must have train.jsonl.gz and test.jsonl.gz.")
    texts: dict[str, dict[str, list[str]]] = {}
    for part in (name for name in PARTS if name in found):
        signal = read(found[part], signal=Labelled)
        for text, label in sorted(
            set(zip(signal.column("text"), signal.column("label"))), key=lambda t: derive(0, t[0])
        ):
            texts.setdefault(part, {}).setdefault(label, []).append(text)
    if "dev" not in texts:
        every = round(1 / DEV)
        texts["dev"] = {label: of[::every] for label, of in texts["train"].items()}
        texts["train"] = {label: [t for i, t in enumerate(of) if i % every] for label, of in texts["train"].items()}
    return {part: _of_one_label(by_label, part) for part, by_label in texts.items()}


def _of_one_label(texts: Mapping[str, Sequence[str]], part: str) -> Pairs:
    import pyarrow as pa

    from accord.data import Pairs

    rows: list[tuple[str, str, str]] = []
    for label, of in texts.items():
        if part == "train":
            rows += [(of[i - 1], text, label) for i, text in enumerate(of) if len(of) > 1]
        else:
            rows += [(query, document, label) for query in of[::2] for document in of[1::2]]
    anchors, positives, labels = map(list, zip(*rows))
    ids = [f"{part}/{i}" for i in range(len(rows))]
    pairs = Pairs(pa.table({"id": ids, "anchor": anchors, "positive": positives, "label": labels}))
    pool = list(dict.fromkeys(positives))
    return pairs.with_corpus(pa.table({"id": [f"pool/{i}" for i in range(len(pool))], "text": pool}))


SHAPES = {"retrieval": _retrieval, "pairs": _pairs, "labelled": _labelled}


def _files(folder: Path) -> dict[str, Path]:
    return {file.name.partition(".")[0]: file for file in sorted(folder.glob("*.jsonl*"))}


def _cut(pairs: Pairs, share: float, *, seed: int) -> tuple[Pairs, Pairs]:
    """Two parts that share no query (retrieval) or no positive (pairs); a second cut needs another seed."""
    from accord.data import split

    by = "query_id" if "query_id" in pairs.table.column_names else "positive"
    parts = split(pairs, by=by, dev=0.0, test=share, seed=seed)
    return pairs.take(parts.train), pairs.take(parts.test)
