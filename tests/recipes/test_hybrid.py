"""Learnt weights of a hybrid: they follow what is worth more, and the gain is tested on other queries."""

import json

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.sources import RetrievalFolder
from accord.recipes.hybrid import compare_modes, learn_hybrid
from accord.retrieval import Hybrid, Lexical, Store
from accord.retrieval.fusion import WeightedSum
from accord.retrieval.lexical import BM25

DOCUMENTS, QUERIES, DIM = 120, 40, 24


class Known:
    """Looks the vector of a query up."""

    def __init__(self, vectors):
        self.vectors = vectors

    def encode_query(self, texts, **_):
        return np.array([self.vectors[text] for text in texts])

    encode_document = encode_query


@pytest.fixture
def made(tmp_path):
    """A function: a store and its queries, where vectors and words are as telling as wanted."""

    def make(noise, shared):
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(DOCUMENTS, DIM))
        words = [[f"w{n}" for n in rng.integers(0, 200, size=12)] for _ in range(DOCUMENTS)]
        queries = {}
        for number in range(QUERIES):
            own = words[number][:shared] + [f"w{n}" for n in rng.integers(0, 200, size=6 - shared)]
            queries[" ".join(own)] = vectors[number] + noise * rng.normal(size=DIM)
        folder = tmp_path / "data"
        folder.mkdir()
        names = [f"d{n}" for n in range(DOCUMENTS)]
        rows = [{"id": name, "text": " ".join(text)} for name, text in zip(names, words)]
        lines = (
            [json.dumps(row) for row in rows],
            [json.dumps({"id": f"q{n}", "text": q}) for n, q in enumerate(queries)],
        )
        (folder / "corpus.jsonl").write_text("\n".join(lines[0]))
        (folder / "queries.jsonl").write_text("\n".join(lines[1]))
        for split, numbers in (("dev", range(20)), ("test", range(20, QUERIES))):
            judged = [f"q{n}\td{n}\t1" for n in numbers]
            (folder / f"qrels.{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]))
        with Store.create(tmp_path / "store", model={"dim": DIM}) as store, store.write() as writer:
            writer.add(rows, vectors)
        splits = [RetrievalFolder(folder, split=split) for split in ("dev", "test")]
        return Store(tmp_path / "store", model=Known(queries)), *splits

    return make


@pytest.mark.parametrize(("noise", "shared", "heavier"), [(0.3, 0, 0), (5.0, 3, 1)])
def test_the_side_that_tells_more_weighs_more(made, noise, shared, heavier):
    store, dev, _ = made(noise, shared)
    learnt = learn_hybrid(store, dev)
    assert sum(learnt.weights) == pytest.approx(1) and learnt.weights[heavier] > 0.5
    assert not learnt.test and not learnt.comparisons


def test_the_gain_is_tested_on_other_queries(made):
    store, dev, test = made(1.6, 2)
    learnt = learn_hybrid(store, dev, test, metric="MRR@10", candidates=50)
    assert learnt.dev["hybrid by learnt weights"] >= max(learnt.dev["dense"], learnt.dev["lexical"])
    assert {(one.a, one.b) for one in learnt.comparisons} == {
        ("hybrid by learnt weights", other) for other in ("dense", "lexical", "hybrid by ranks")
    }
    for one in learnt.comparisons:
        assert one.effect == pytest.approx(learnt.test[one.a] - learnt.test[one.b], abs=1e-5) and one.n == 20
    assert isinstance(learnt.mode.method, WeightedSum) and learnt.mode.candidates == 50
    means, _ = compare_modes(store, test, {"learnt": learnt.mode, "dense": "dense"}, metric="MRR@10")
    assert means == pytest.approx({"learnt": learnt.test["hybrid by learnt weights"], "dense": learnt.test["dense"]})


def test_any_ways_can_be_compared(made):
    store, dev, _ = made(1.0, 3)
    modes = {"words": Lexical(BM25(b=0.2)), "both": Hybrid(candidates=20), "vectors": "dense"}
    means, rows = compare_modes(store, dev, modes)
    assert list(means) == list(modes) and [(row.a, row.b) for row in rows] == [("words", "both"), ("words", "vectors")]
    assert all(0 <= mean <= 1 for mean in means.values())


def test_bad_input_is_refused(made, tmp_path):
    store, dev, _ = made(1.0, 3)
    with pytest.raises(InputError, match="share 20 queries"):
        learn_hybrid(store, dev, dev)
    with pytest.raises(InputError, match="at least one"):
        compare_modes(store, dev, {})
    with Store.create(tmp_path / "other", model={"dim": DIM}) as other, other.write() as writer:
        writer.add([{"id": "x", "text": "x"}], np.ones((1, DIM)))
    with pytest.raises(InputError, match="holds none of the 20 documents"):
        learn_hybrid(Store(tmp_path / "other"), dev)
