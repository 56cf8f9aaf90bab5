"""Vectors of collections, encoded once, and how well codes of them still find what is relevant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Context, Role
from claims.data import judged

if TYPE_CHECKING:
    from accord.compression.codecs import FittedCodec

__all__ = ["COLLECTIONS", "SIZES", "Collection", "collection", "of_seeds", "searched_values", "vectors_of"]

COLLECTIONS = {
    "evidence": Role(folder="scifact", shape="retrieval", what="claims and scientific abstracts"),
    "aeronautics": Role(folder="cranfield", shape="retrieval", what="questions and abstracts"),
    "code": Role(folder="cosqa", shape="retrieval", what="web queries and functions"),
    "medicine": Role(folder="pubmedqa", shape="retrieval", what="questions and medical abstracts"),
}
SIZES = {"quick": (150, 1_400), "full": (500, 10_000)}
"""Queries and documents of a collection, at most."""
CUT = 10
LENGTH = 128
FLOAT, RESCORED = np.float16, 100


@dataclass(frozen=True)
class Collection:
    """What is searched, and for what.

    Args:
        queries: (queries, dim) of unit length.
        documents: (documents, dim) of unit length.
        texts: of the documents.
        asked: of the queries.
        relevant: numbers of the relevant documents of each query.
    """

    queries: np.ndarray
    documents: np.ndarray
    texts: Sequence[str]
    asked: Sequence[str]
    relevant: Sequence[frozenset[int]]

    def fingerprint(self) -> str:
        """Of what is searched, and for what."""
        from accord.core.storage import hash_json

        return hash_json([list(self.texts), list(self.asked), [sorted(of) for of in self.relevant]])


def collection(context: Context, name: str, folder: Path, model: Any) -> Collection:
    """The test part of a retrieval folder; of one that has no parts, all of it, as nothing is learned from queries.

    Args:
        context: whose scale says how much of it.
        name: said when it is encoded.
        folder: of the collection.
        model: that encodes.
    """
    queries, documents = SIZES[context.scale]
    split = "test" if (folder / "qrels.test.tsv").is_file() else None
    pairs = judged(folder, split, queries=queries, documents=documents)
    own = list(pairs.column("positive"))
    others = [] if pairs.corpus is None else pairs.corpus.column("text").to_pylist()
    texts = list(dict.fromkeys([*own, *others]))
    place = {text: number for number, text in enumerate(texts)}
    asked: dict[str, set[int]] = {}
    for anchor, positive in zip(pairs.column("anchor"), own):
        asked.setdefault(anchor, set()).add(place[positive])
    return Collection(
        queries=vectors_of(context, model, list(asked), what=f"queries of {name}"),
        documents=vectors_of(context, model, texts, what=f"documents of {name}"),
        texts=texts,
        asked=list(asked),
        relevant=[frozenset(of) for of in asked.values()],
    )


def vectors_of(context: Context, model: Any, texts: Sequence[str], *, what: str) -> np.ndarray:
    """Unit vectors of texts, kept in the cache by the model and the texts."""
    from accord.core.storage import atomic_file, hash_json

    key = hash_json([model.fingerprint(), LENGTH, list(texts)])[:32]
    file = context.cache.parent / "vectors" / f"{key}.npy"
    if not file.is_file():
        context.say(f"encoding {len(texts)} {what}")
        model.max_length = LENGTH
        vectors = model.encode(list(texts), precision="auto")
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(file) as handle:
            np.save(handle, vectors.astype(np.float32))
    return np.load(file)


def searched_values(
    of: Collection,
    codec: FittedCodec | None,
    *,
    symmetric: bool = False,
    rescore: bool = False,
    codes: np.ndarray | None = None,
) -> list[float]:
    """nDCG@10 of each query.

    Args:
        of: a collection.
        codec: whose codes of the documents are searched; None searches the vectors themselves.
        symmetric: queries are codes, too.
        rescore: the first hundred again, by float16.
        codes: of the documents, where another codec made them.
    """
    if codec is None:
        scores = of.queries @ of.documents.T
    else:
        found = codec.encode(of.documents) if codes is None else codes
        scores = codec.code_scores(codec.encode(of.queries), found) if symmetric else codec.scores(of.queries, found)
    order = np.argsort(-scores, axis=1, kind="stable")
    if rescore:
        order = np.stack([_again(of, query, row[:RESCORED]) for query, row in zip(of.queries, order)])
    return _ndcg(order[:, :CUT], of.relevant)


def _again(of: Collection, query: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    kept = of.documents[candidates].astype(FLOAT).astype(np.float32)
    return candidates[np.argsort(-(kept @ query), kind="stable")]


def _ndcg(order: np.ndarray, relevant: Sequence[frozenset[int]]) -> list[float]:
    from accord.evaluation.judged import Judged
    from accord.evaluation.metrics import nDCG

    gains = np.array([[float(d in wanted) for d in row] for row, wanted in zip(order.tolist(), relevant)])
    counts = np.array([len(wanted) for wanted in relevant])
    ideal = (np.arange(gains.shape[1])[None, :] < counts[:, None]).astype(float)
    return nDCG(CUT)(Judged(gains, ideal, counts)).tolist()


def of_seeds(
    context: Context,
    ways: Mapping[str, Callable[[int], Mapping[str, Sequence[float]]]],
    key: Mapping[str, Any],
) -> tuple[dict[str, dict[str, np.ndarray]], float]:
    """Values of every way with every seed, kept in the cache: way -> task -> (seeds, examples); and the seconds.

    Args:
        context: whose seeds.
        ways: from a seed to values by task.
        key: plain values that decide the results, beside the name of the way and the seed.
    """
    import time

    spent = 0.0
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, way in ways.items():
        runs = []
        for seed in context.seeds:

            def make(way: Any = way, seed: int = seed) -> dict[str, Any]:
                begun = time.perf_counter()
                values = {task: [float(v) for v in of] for task, of in way(seed).items()}
                return {"values": values, "seconds": time.perf_counter() - begun}

            runs.append(context.cached({**key, "way": name, "seed": seed}, make))
            mean = np.mean([np.mean(of) for of in runs[-1]["values"].values()])
            context.say(f"{name}, seed {seed}: {mean:.4f} ({runs[-1]['seconds']:.0f} s)")
        spent += sum(run["seconds"] for run in runs)
        found[name] = {task: np.array([run["values"][task] for run in runs]) for task in runs[0]["values"]}
    return found, spent
