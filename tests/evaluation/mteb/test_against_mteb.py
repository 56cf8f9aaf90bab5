"""Every task against mteb itself, on made-up rows with ties and repetitions, by a model whose roles differ."""

import warnings

import numpy as np
import pytest

from accord.data.signals import Labelled, Pairs, Ranked, Scored
from accord.evaluation import (
    Bitext,
    Classification,
    Clustering,
    PairClassification,
    Reranking,
    Retrieval,
    Similarity,
    Summarisation,
    read_mteb_results,
)
from accord.evaluation.mteb import MtebResult, mteb_name, write_mteb_results

pytestmark = pytest.mark.slow

WORDS = ["red", "blue", "green", "rose", "sky", "leaf", "tree", "sea", "sun", "moon", "star", "rain", "wind", "snow"]
RANKING = ["nDCG@10", "MAP@1000", "MRR@10", "Recall@5", "Precision@3", "HitRate@1"]


@pytest.fixture(scope="module")
def theirs():
    pytest.importorskip("mteb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from benchmarks import mteb_tasks

        yield mteb_tasks


@pytest.fixture
def roles(toy):
    """The toy encoder with a word before a text that only some roles have."""
    plain = toy.rows

    class Roles:
        similarity_name = "cosine"

        def encode(self, texts, *, prompt_name=None, progress=None):
            return plain(texts)

        def encode_query(self, texts, *, prompt_name=None, progress=None):
            return plain([f"query {text}" for text in texts])

        def encode_document(self, texts, *, prompt_name=None, progress=None):
            return plain([f"passage passage {text}" for text in texts])

    return Roles()


def texts(count, seed, words=3):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, words)) for _ in range(count)]


def assert_equal(theirs, model, task, test, other, train=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapper = theirs.Vectors if hasattr(model, "encode_query") else theirs.Scorer
        scores = theirs.scores_of(wrapper(model), other)
    for measured in task.evaluate(model, test=test, train=train):
        assert measured.score == pytest.approx(scores[mteb_name(measured.metric, task.mteb_names)], abs=5e-5)


@pytest.mark.parametrize("ignore", [False, True])
def test_retrieval(theirs, roles, ignore):
    documents = {f"d{i}": ("the title" if i % 3 else "", text) for i, text in enumerate(texts(60, 1))}
    queries = {f"q{i}": text for i, text in enumerate(texts(20, 2))} | {"d5": documents["d5"][1]}
    draw = np.random.default_rng(3)
    qrels = {q: {f"d{j}": int(draw.integers(1, 3)) for j in draw.choice(60, 3, replace=False)} for q in queries}
    whole = {name: f"{title} {text}".strip() for name, (title, text) in documents.items()}
    rows = [
        {"anchor": queries[q], "positive": whole[d], "score": float(g), "query_id": q, "document_id": d}
        for q, row in qrels.items()
        for d, g in row.items()
    ]
    pairs = Pairs(rows).with_corpus({"id": list(whole), "text": list(whole.values())})
    task = Retrieval(metrics=RANKING, against="mteb", ignore_identical_ids=ignore)
    assert_equal(theirs, roles, task, pairs, theirs.retrieval(queries, documents, qrels, ignore_identical_ids=ignore))


@pytest.mark.parametrize("kind", ["encoder", "scorer"])
def test_reranking(theirs, roles, scorer, kind):
    lists = [
        {"query": q, "pos": texts(2, i), "neg": [*texts(5, 50 + i), q] if i else []} for i, q in enumerate(texts(12, 9))
    ]
    model = roles if kind == "encoder" else scorer
    task = Reranking(metrics=RANKING, against="mteb")
    assert_equal(theirs, model, task, Ranked(lists), theirs.reranking(lists))


def test_classification(theirs, roles):
    draw = np.random.default_rng(0)
    labels = draw.choice(["x", "y", "z"], 150).tolist()
    rows = {"text": [f"{t} {label if draw.random() < 0.7 else ''}" for t, label in zip(texts(150, 4), labels)]}
    rows["label"] = labels
    train, test = ({n: v[part] for n, v in rows.items()} for part in (slice(0, 90), slice(90, None)))
    task = Classification(metrics=["accuracy", "macro_f1", "weighted_f1"], against="mteb")
    assert_equal(theirs, roles, task, Labelled(test), theirs.classification(train, test), train=Labelled(train))


@pytest.mark.parametrize("sample", [0.5, 40])
def test_clustering(theirs, roles, sample):
    found, labels = texts(100, 5), list("abcd") * 25
    task = Clustering(against="mteb", sample=sample, draw=64)
    other = theirs.clustering(found, labels, sample=sample, draw=64)
    assert_equal(theirs, roles, task, Labelled({"text": found, "label": labels}), other)


def test_clustering_before_2024(theirs, roles):
    found, labels = texts(90, 6), [*(list("abc") * 20), *("a" * 30)]  # the last set has one label
    parts = [slice(0, 30), slice(30, 60), slice(60, 90)]
    rows = Labelled({"text": found, "label": labels, "set": [str(i // 30) for i in range(90)]})
    other = theirs.clustering_legacy([found[p] for p in parts], [labels[p] for p in parts])
    assert_equal(theirs, roles, Clustering(against="mteb-legacy", sets="set"), rows, other)


@pytest.mark.parametrize("similarity", ["model", "cosine", "dot", "euclidean", "manhattan", "best"])
def test_pair_classification(theirs, roles, similarity):
    first, second = texts(80, 7, 2), texts(80, 8, 2)
    label = [int(len(set(a.split()) & set(b.split())) > 0) for a, b in zip(first, second)]
    label[:20] = [1 - x for x in label[:20]]
    task = PairClassification(similarity=similarity, against="mteb")
    rows = Scored({"text1": first, "text2": second, "score": label})
    assert_equal(theirs, roles, task, rows, theirs.pair_classification(first, second, label))


def test_similarity(theirs, roles):
    first, second = texts(60, 10), texts(60, 11)
    score = np.random.default_rng(0).integers(0, 6, 60).astype(float).tolist()
    rows = Scored({"text1": first, "text2": second, "score": score})
    assert_equal(theirs, roles, Similarity(against="mteb"), rows, theirs.sts(first, second, score))


def test_bitext(theirs, roles):
    second = texts(150, 12, 1)  # sixteen words only: most texts stand several times
    first = [f"{text} {extra}" for text, extra in zip(second, texts(150, 13, 1))]
    rows = Pairs({"anchor": first, "positive": second})
    assert_equal(theirs, roles, Bitext(against="mteb"), rows, theirs.bitext(first, second))


def test_summarisation(theirs, roles):
    draw = np.random.default_rng(0)
    rows = {
        "text": texts(15, 20),
        "human_summaries": [texts(2, 30 + i) for i in range(15)],
        "machine_summaries": [[*texts(4, 60 + i)] if i else ["red"] * 4 for i in range(15)],  # the first: all equal
        "relevance": [draw.integers(1, 6, 4).astype(float).tolist() for _ in range(15)],
    }
    rows["relevance"][3] = [2.0] * 4
    roles_of = {"query": "text", "pos": "human_summaries", "neg": "machine_summaries", "neg_scores": "relevance"}
    task = Summarisation(against="mteb")
    assert_equal(theirs, roles, task, Ranked(rows, columns=roles_of), theirs.summarisation(rows, least=1, most=5))


def test_mtebs_loader_reads_our_files_and_we_read_its(theirs, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mteb.results.task_result import TaskResult

        rules = {"task": "Names", "mteb_version": "2.26.24", "revision": "abc"}
        given = [
            MtebResult(main_score=0.5, scores={"accuracy": 0.5}, subset="deu", languages=("deu-Latn",), **rules),
            MtebResult(main_score=0.25, scores={"accuracy": 0.25}, notes={"interval": [0.1, 0.3]}, **rules),
        ]
        path = write_mteb_results(tmp_path, given, model="m", revision="r", seconds=2.0)
        loaded = TaskResult.from_disk(path)
        assert (loaded.task_name, loaded.mteb_version, loaded.get_score()) == ("Names", "2.26.24", 0.375)
        loaded.to_disk(tmp_path / "again.json")
        assert [(r.subset, r.scores, r.notes) for r in read_mteb_results(tmp_path / "again.json")] == [
            (r.subset, r.scores, r.notes) for r in read_mteb_results(path)
        ]
