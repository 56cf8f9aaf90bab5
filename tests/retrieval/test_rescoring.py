"""Searches over codes: with enough candidates they are exact up to the rounding of the stored vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.compression.codecs import Int8
from accord.core.errors import InputError
from accord.retrieval import Store, verify
from accord.retrieval.rescoring import candidates

DIM = 12


def fitted(similarity="cosine", dim=DIM):
    rows = np.random.default_rng(5).standard_normal((200, dim)).astype(np.float32)
    return Int8().fit(rows, similarity=similarity, made_for="f0")


def made(path, *, similarity="cosine", codec=True, **options):
    model = {"dim": DIM, "fingerprint": "f0", "similarity": similarity}
    return Store.create(path, model=model, codec=fitted(similarity) if codec else None, **options)


def filled_with(path, vectors, **options):
    store = made(path, **options)
    for first in range(0, len(vectors), 40):
        rows = vectors[first : first + 40]
        with store.write() as writer:
            writer.add([{"id": f"d{n:03}", "text": f"text {n}"} for n in range(first, first + len(rows))], rows)
    return store


@pytest.fixture
def vectors(rng):
    return rng.standard_normal((150, DIM)).astype(np.float32)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("rescore", ["float16", "float32"])
def test_a_huge_oversample_equals_exact_search(tmp_path, rng, vectors, similarity, rescore):
    exact = filled_with(tmp_path / "exact", vectors, similarity=similarity, codec=False)
    coded = filled_with(tmp_path / "coded", vectors, similarity=similarity, rescore=rescore)
    queries = rng.standard_normal((7, DIM))
    wanted, found = exact.search_vectors(queries, 20), coded.search_vectors(queries, 20, rescore=1000)
    rounding = (2.0**-10 if rescore == "float16" else 2.0**-22) * np.linalg.norm(vectors, axis=1).max()
    scale = 1.0 if similarity == "cosine" else np.linalg.norm(queries, axis=1).max()
    assert np.abs(wanted[1] - found[1]).max() <= rounding * scale
    if rescore == "float32":
        assert found[0] == wanted[0]
        assert found[1].tolist() == wanted[1].tolist()
    few = coded.search_vectors(queries, 20, rescore=4)  # 80 of 150: the scan decides, and int8 is a good scan
    assert few[0] == found[0]
    assert few[1].tolist() == found[1].tolist()


def test_no_rescoring_gives_the_scores_of_the_codes(tmp_path, rng, vectors):
    store = filled_with(tmp_path / "s", vectors)
    queries = rng.standard_normal((3, DIM)).astype(np.float32)
    unit = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    scores = store.codec.scores(unit, store.codec.encode(vectors))
    ids, found = store.search_vectors(queries, 9, rescore=False)
    assert ids == [[f"d{n:03}" for n in np.argsort(-row)[:9]] for row in scores]
    assert np.allclose(found, -np.sort(-scores, axis=1)[:, :9], atol=1e-6)


def test_codes_alone_answer_and_say_that_nothing_can_be_rescored(tmp_path, rng, vectors):
    store = filled_with(tmp_path / "s", vectors, rescore="none")
    query = rng.standard_normal(DIM)
    assert [hit.id for hit in store.search(query, 5)] == [hit.id for hit in store.search(query, 5, rescore=False)]
    for wanted in (True, 3):
        with pytest.raises(InputError, match="keeps codes only"):
            store.search(query, 5, rescore=wanted)
    assert {segment.field for segment in store._snapshot.manifest.segments} == {"vector.code"}
    assert verify(store.path).problems == ()


def test_a_store_without_a_codec_is_exact_whatever_it_says(filled, rng, rows):
    query = rows(rng, 1)
    for rescore in (None, True, False, 7):
        assert filled.search_vectors(query, 5, rescore=rescore)[0] == filled.search_vectors(query, 5)[0]


@pytest.mark.parametrize("rescore", [0, -1, "all", 2.5])
def test_a_number_that_is_none(filled, rescore):
    with pytest.raises(InputError, match="`rescore` must be"):
        filled.search(np.ones(8), rescore=rescore)


def test_equal_scores_are_ordered_by_id_descending(tmp_path):
    names = ["b", "a", "é", "Z", "aa", "10", "9"]
    for rescore in ("float16", "none"):
        store = made(tmp_path / rescore, rescore=rescore)
        with store.write() as writer:
            writer.add([{"id": name, "text": "t"} for name in names], np.tile(np.ones(DIM), (7, 1)))
        assert [hit.id for hit in store.search(np.ones(DIM), 3)] == sorted(names, reverse=True)[:3]


def test_candidates():
    assert candidates(50, None, stored=True) == 500
    assert candidates(1, 1, stored=True) == 1


@given(seed=st.integers(0, 2**32 - 1), oversample=st.integers(1, 20), k=st.integers(1, 12))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_changes_agree_with_a_dictionary(tmp_path_factory, seed, oversample, k):
    rng = np.random.default_rng(seed)
    store = made(tmp_path_factory.mktemp("changes") / "s")
    truth: dict[str, np.ndarray] = {}
    for step in range(3):
        with store.write() as writer:
            names = [f"{step}-{n}" for n in range(rng.integers(1, 12))]
            vectors = rng.standard_normal((len(names), DIM)).astype(np.float32)
            writer.add([{"id": name, "text": name} for name in names], vectors)
            truth |= dict(zip(names, vectors))
            for name in rng.choice(sorted(truth), min(2, len(truth)), replace=False).tolist():
                if rng.integers(2):
                    writer.delete([name])
                    del truth[name]
                else:
                    truth[name] = rng.standard_normal(DIM).astype(np.float32)
                    writer.update([{"id": name, "text": f"{step} again"}], truth[name][None])
    assert set(store.ids()) == set(truth)
    assert verify(store.path).problems == ()
    if not truth:
        return
    names, matrix = list(truth), np.stack(list(truth.values()))
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    halves = unit.astype(np.float16).astype(np.float64)
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    query = rng.standard_normal(DIM)
    hits = store.search(query, k, rescore=oversample)
    by_name = dict(zip(names, halves @ (query / np.linalg.norm(query))))
    assert len(hits) == min(k, len(truth))
    assert np.allclose([hit.score for hit in hits], [by_name[hit.id] for hit in hits], atol=1e-6)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    if oversample * k >= len(truth):
        best = sorted(by_name.values(), reverse=True)[:k]
        assert np.allclose([hit.score for hit in hits], best, atol=1e-6)
