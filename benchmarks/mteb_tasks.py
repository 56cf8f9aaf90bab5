"""mteb's task types over rows in memory, and a model for mteb that gives the vectors of an accord encoder.

mteb itself loads, samples, encodes and scores; only the rows come from here, so nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from mteb.abstasks.classification import AbsTaskClassification
from mteb.abstasks.clustering import AbsTaskClustering
from mteb.abstasks.clustering_legacy import AbsTaskClusteringLegacy
from mteb.abstasks.pair_classification import AbsTaskPairClassification
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.sts import AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.abstasks.text.bitext_mining import AbsTaskBitextMining
from mteb.abstasks.text.summarization import AbsTaskSummarization
from mteb.models.model_meta import ModelMeta

from accord.evaluation import CachedEncoder
from accord.maths.similarity import pairwise_similarity, similarity

__all__ = [
    "Scorer",
    "Vectors",
    "bitext",
    "classification",
    "clustering",
    "clustering_legacy",
    "pair_classification",
    "reranking",
    "retrieval",
    "scores_of",
    "sts",
    "summarisation",
]


def _meta(name: str) -> ModelMeta:
    return ModelMeta.create_empty({"name": f"accord/{name}", "revision": "1"})


class Vectors:
    """An accord encoder as mteb wants one: the role decides the prompt, no role means no role's prompt."""

    def __init__(self, model_name: Any, revision: str | None = None, *, device: str | None = None) -> None:
        self.model = model_name if isinstance(model_name, CachedEncoder) else CachedEncoder(model_name)
        self.mteb_model_meta = _meta("encoder")

    def encode(self, inputs, *, task_metadata, hf_split, hf_subset, prompt_type=None, **rest) -> np.ndarray:
        texts = [text for batch in inputs for text in batch["text"]]
        role = None if prompt_type is None else str(prompt_type.value)
        ways = {None: self.model.encode, "query": self.model.encode_query, "document": self.model.encode_document}
        return ways[role](texts)

    def similarity(self, left, right) -> torch.Tensor:
        return similarity(_rows(left), _rows(right), kind=self.model.similarity_name)

    def similarity_pairwise(self, left, right) -> torch.Tensor:
        return pairwise_similarity(_rows(left), _rows(right), kind=self.model.similarity_name)


class Scorer:
    """Anything with `score` as a cross-encoder of mteb."""

    def __init__(self, model_name: Any, revision: str | None = None, *, device: str | None = None) -> None:
        self.model = model_name
        self.mteb_model_meta = _meta("cross-encoder")

    def predict(self, inputs1, inputs2, *, task_metadata, hf_split, hf_subset, prompt_type=None, **rest) -> np.ndarray:
        left, right = ([text for batch in inputs for text in batch["text"]] for inputs in (inputs1, inputs2))
        return np.asarray(self.model.score(left, right))


def _rows(vectors: Any) -> torch.Tensor:
    found = torch.as_tensor(np.asarray(vectors))
    return found[None] if found.ndim == 1 else found


def scores_of(model: Any, task: Any) -> dict[str, Any]:
    """What mteb says of a model on a task's test split."""
    import mteb

    found = mteb.evaluate(model, task, cache=None, co2_tracker=False, show_progress_bar=False)
    return dict(found.task_results[0].scores["test"][0])


def _task(base: type, kind: str, main: str, dataset: Any, **attributes: Any) -> Any:
    """An object of one of mteb's task types whose rows are given."""
    metadata = TaskMetadata(
        type=kind,
        name=f"Local{base.__name__.removeprefix('AbsTask')}",
        description="Rows in memory.",
        main_score=main,
        eval_langs=["eng-Latn"],
        eval_splits=["test"],
        dataset={"path": "local/rows", "revision": "1"},
    )

    def load_data(self: Any, num_proc: int | None = None, **rest: Any) -> None:
        self.dataset = dataset
        self.data_loaded = True

    return type(metadata.name, (base,), {"metadata": metadata, "load_data": load_data, **attributes})()


def _test(columns: Mapping[str, Sequence[Any]]) -> DatasetDict:
    return DatasetDict({"test": Dataset.from_dict(dict(columns))})


def retrieval(
    queries: Mapping[str, str],
    corpus: Mapping[str, tuple[str, str]],
    qrels: Mapping[str, Mapping[str, int]],
    **attributes: Any,
) -> Any:
    titles, texts = zip(*corpus.values())
    split = {
        "corpus": Dataset.from_dict({"id": list(corpus), "text": list(texts), "title": list(titles)}),
        "queries": Dataset.from_dict({"id": list(queries), "text": list(queries.values())}),
        "relevant_docs": {query: dict(row) for query, row in qrels.items()},
        "top_ranked": None,
    }
    return _task(AbsTaskRetrieval, "Retrieval", "ndcg_at_10", {"default": {"test": split}}, **attributes)


def reranking(lists: Sequence[Mapping[str, Any]]) -> Any:
    """Rows of query, pos and neg, laid out as mteb lays out its older reranking data."""
    ids, texts, queries, qrels, ranked = [], [], {}, {}, {}
    for i, row in enumerate(lists):
        if not row["pos"] or not row["neg"]:
            continue
        query = f"test_query{i}"
        queries[query], qrels[query], ranked[query] = row["query"], {}, []
        for word, grade, several in (("apositive", 1, row["pos"]), ("negative", 0, row["neg"])):
            for place, text in enumerate(several):
                name = f"{word}_{query}_{place:05d}"
                ids.append(name)
                texts.append(text)
                qrels[query][name] = grade
                ranked[query].append(name)
    split = {
        "corpus": Dataset.from_dict({"id": ids, "text": texts, "title": [""] * len(ids)}),
        "queries": Dataset.from_dict({"id": list(queries), "text": list(queries.values())}),
        "relevant_docs": qrels,
        "top_ranked": ranked,
    }
    return _task(AbsTaskRetrieval, "Reranking", "map_at_1000", {"default": {"test": split}})


def classification(train: Mapping[str, Sequence[str]], test: Mapping[str, Sequence[str]]) -> Any:
    parts = {"train": Dataset.from_dict(dict(train)), "test": Dataset.from_dict(dict(test))}
    return _task(AbsTaskClassification, "Classification", "accuracy", DatasetDict(parts))


def clustering(texts: Sequence[str], labels: Sequence[str], *, sample: float, draw: int) -> Any:
    rules = {
        "max_fraction_of_documents_to_embed": sample if sample <= 1 else None,
        "max_document_to_embed": None if sample <= 1 else int(sample),
        "max_documents_per_cluster": draw,
    }
    rows = _test({"sentences": texts, "labels": labels})
    return _task(AbsTaskClustering, "Clustering", "v_measure", rows, **rules)


def clustering_legacy(texts: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]) -> Any:
    return _task(AbsTaskClusteringLegacy, "Clustering", "v_measure", _test({"sentences": texts, "labels": labels}))


def pair_classification(first: Sequence[str], second: Sequence[str], label: Sequence[int]) -> Any:
    columns = {"sentence1": first, "sentence2": second, "labels": label}
    return _task(AbsTaskPairClassification, "PairClassification", "max_ap", _test(columns))


def sts(first: Sequence[str], second: Sequence[str], score: Sequence[float]) -> Any:
    return _task(AbsTaskSTS, "STS", "cosine_spearman", _test({"sentence1": first, "sentence2": second, "score": score}))


def bitext(first: Sequence[str], second: Sequence[str]) -> Any:
    return _task(AbsTaskBitextMining, "BitextMining", "f1", _test({"sentence1": first, "sentence2": second}))


def summarisation(columns: Mapping[str, Sequence[Any]], *, least: int, most: int) -> Any:
    return _task(AbsTaskSummarization, "Summarization", "spearman", _test(columns), min_score=least, max_score=most)
