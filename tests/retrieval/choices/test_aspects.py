"""Sums of weighted cosines, exactly; one aspect alone is a store of that aspect."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval import Store
from accord.retrieval.choices import Aspects, aspect_query, aspect_rows

NAMES = ["task", "method", "data"]


@pytest.fixture
def made(tmp_path, rng):
    aspects = Aspects(NAMES, 5)
    vectors = {name: rng.standard_normal((25, 5)) for name in NAMES}
    vectors["data"][3] = 0
    with Store.create(tmp_path / "papers", model=aspects.model(name="three")) as store:
        with store.write() as writer:
            writer.add([{"id": f"p{n:02}", "text": "x"} for n in range(25)], aspects.rows(vectors))
        yield aspects, store, vectors


def cosines(vectors, query):
    lengths = np.linalg.norm(vectors, axis=1)
    return np.divide(vectors @ query, lengths * np.linalg.norm(query), out=np.zeros(len(vectors)), where=lengths > 0)


@pytest.mark.parametrize(
    "weights", [None, "method", {"task": 2.0}, {"task": 1.0, "data": 0.5}, {"task": 1.0, "method": -0.4}]
)
def test_scores_are_weighted_sums_of_cosines(made, rng, weights):
    aspects, store, vectors = made
    query = {name: rng.standard_normal(5) for name in NAMES}
    numbers = {weights: 1.0} if isinstance(weights, str) else weights or dict.fromkeys(NAMES, 1 / 3)
    expected = sum(w * cosines(vectors[name], query[name]) for name, w in numbers.items())
    hits = aspects.search(store, query, weights, k=25)
    assert [hit.id for hit in hits] == [f"p{n:02}" for n in np.argsort(-expected, kind="stable")]
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(expected)[::-1], atol=1e-6)


def test_explanations_add_up(made, rng):
    aspects, store, _ = made
    query = rng.standard_normal(5)
    hits = aspects.search(store, query, {"task": 1.0, "method": 0.5}, k=4)
    told = aspects.explain(store, query, [hit.id for hit in hits])
    for hit in hits:
        assert hit.score == pytest.approx(told[hit.id]["task"] + 0.5 * told[hit.id]["method"], abs=1e-6)
    assert aspects.explain(store, {"task": query}, ["p03"])["p03"].keys() == {"task"}
    assert aspects.explain(store, query, ["p03"])["p03"]["data"] == 0


def test_what_is_left_out_is_zero():
    aspects = Aspects(["a", "b"], 2)
    np.testing.assert_array_equal(aspects.rows({"b": [[0, 2.0]]}), [[0, 0, 0, 1]])
    np.testing.assert_array_equal(aspects.query({"b": [0, 2.0]}, "b"), [0, 0, 0, 1])


def test_the_functions_agree_with_the_class(rng):
    parts = rng.standard_normal((2, 3, 4))
    aspects = Aspects(["a", "b"], 4)
    np.testing.assert_array_equal(aspect_rows(parts), aspects.rows({"a": parts[0], "b": parts[1]}))
    query = aspect_query(parts[:, 0], np.array([1.0, 0.5]))
    np.testing.assert_array_equal(query, aspects.query({"a": parts[0, 0], "b": parts[1, 0]}, {"a": 1.0, "b": 0.5}))


def test_bad_names_weights_and_stores_are_refused(made, thirty):
    aspects, store, _ = made
    query = np.ones(5)
    with pytest.raises(InputError, match="Did you mean `method`"):
        aspects.search(store, query, "methods")
    with pytest.raises(InputError, match="must not all be 0"):
        aspects.search(store, query, {"task": 0.0})
    with pytest.raises(InputError, match="lacks the aspect 'data'"):
        aspects.search(store, {"task": query, "method": query})
    with pytest.raises(InputError, match=r"must have the shape \(5,\)"):
        aspects.search(store, np.ones(4))
    with pytest.raises(InputError, match=r"must be \(n, 5\)"):
        aspects.rows({"task": np.ones((2, 5)), "method": np.ones((3, 5))})
    with pytest.raises(InputError, match="different aspects"):
        Aspects(["a", "a"], 2)
    with Store(thirty) as other, pytest.raises(InputError, match="holds the aspects None"):
        aspects.search(other, query)
