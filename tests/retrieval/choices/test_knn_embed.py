"""Mixtures of users, beside a plain loop, and the searches that they make in a store."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.maths.apportion import apportion
from accord.retrieval import Store
from accord.retrieval.choices import KnnEmbed, knn_embed

DIM, EACH = 6, 12


def plain(own, neighbours, clusters, smoothing):
    """Word by word: shares and means of each cluster, one user after the other."""
    weights, vectors = np.zeros(clusters), np.zeros((clusters, DIM))
    parts = [(own, 1 - smoothing if neighbours else 1.0)]
    parts += [(one, smoothing / len(neighbours)) for one in neighbours]
    for (items, codes), share in parts:
        for item, code in zip(items, codes):
            weights[code] += share / len(codes)
            vectors[code] += share * item / len(codes)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return weights, np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_weights_and_vectors_are_those_of_a_loop(smoothing, count):
    rng = np.random.default_rng(5)

    def user():
        size = rng.integers(1, 9)
        return rng.standard_normal((size, DIM)), rng.integers(0, 5, size)

    own, neighbours = user(), [user() for _ in range(count)]
    weights, vectors = knn_embed(own, neighbours, 5, smoothing=smoothing)
    expected = plain(own, neighbours, 5, smoothing)
    np.testing.assert_allclose(weights, expected[0], atol=1e-12)
    np.testing.assert_allclose(vectors, expected[1], atol=1e-6)
    assert weights.sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def islands(tmp_path_factory):
    """Four groups of documents around the first four axes."""
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("islands") / "store"
    with Store.create(path, model={"dim": DIM}) as store:
        for group in range(4):
            vectors = 0.1 * rng.standard_normal((EACH, DIM))
            vectors[:, group] += 1
            with store.write() as writer:
                writer.add([{"id": f"{'abcd'[group]}{n}", "text": f"{n}"} for n in range(EACH)], vectors)
    with Store(path) as store:
        yield store


HISTORIES = {"ann": ["a0", "a1", "a2", "b0"], "bo": ["a3", "a4", "c0"], "cy": ["d0", "d1"]}


def groups(hits):
    names = [hit.id[0] for hit in hits]
    return {name: names.count(name) for name in sorted(set(names))}


def test_each_interest_gets_its_share(islands):
    interests = KnnEmbed(clusters=4, smoothing=0.0).fit(islands, HISTORIES)
    hits = interests.search("ann", 8)
    assert groups(hits) == {"a": 6, "b": 2}
    assert not {hit.id for hit in hits} & set(HISTORIES["ann"])
    assert [hit.rank for hit in hits] == list(range(1, 9))
    assert groups(hits[:4]) == {"a": 3, "b": 1}
    assert groups(interests.search(["c1", "d1"], 6, leave_out=[])) == {"c": 3, "d": 3}


def test_neighbours_bring_interests_of_their_own(islands):
    interests = KnnEmbed(clusters=4, neighbours=1, smoothing=0.5).fit(islands, HISTORIES)
    weights, _ = interests.mixture("ann")
    clusters = interests.clusters()
    by_group = {name[0]: weights[code] for name, code in clusters.items()}
    assert by_group == pytest.approx({"a": 3 / 8 + 1 / 3, "b": 1 / 8, "c": 1 / 6, "d": 0})
    hits = interests.search("ann", 12)
    quotas = apportion(weights, 12)
    expected = {name[0]: int(quotas[code]) for name, code in clusters.items()}
    assert groups(hits) == {name: n for name, n in expected.items() if n}


def test_a_share_larger_than_its_cluster_goes_on_beyond_it(islands):
    interests = KnnEmbed(clusters=4, neighbours=0).fit(islands, HISTORIES)
    hits = interests.search(["a0", "b0"], 40)
    assert len({hit.id for hit in hits}) == 40
    assert len(interests.search("cy", 1_000)) == 4 * EACH - 2


def test_without_choice_it_is_a_plain_search(islands):
    interests = KnnEmbed(clusters=1, neighbours=0).fit(islands, HISTORIES)
    mean = islands.vectors(HISTORIES["ann"]).mean(axis=0)
    found = [hit.id for hit in islands.search(mean, 12) if hit.id not in HISTORIES["ann"]]
    assert [hit.id for hit in interests.search("ann", 8)] == found[:8]


def test_bad_users_ids_and_numbers_are_refused(islands):
    interests = KnnEmbed(clusters=4).fit(islands, HISTORIES)
    with pytest.raises(InputError, match="no user 'dee'"):
        interests.search("dee")
    with pytest.raises(InputError, match="names 'x9'"):
        interests.search(["x9"])
    with pytest.raises(InputError, match="list of at least one id"):
        interests.search([])
    with pytest.raises(InputError, match="`k` must be at least 1"):
        interests.search("ann", 0)
    with pytest.raises(InputError, match="`clusters` must be at most the number of rows"):
        KnnEmbed(clusters=1_000).fit(islands, {})
    with pytest.raises(InputError, match="user 'ann'"):
        KnnEmbed(clusters=2).fit(islands, {"ann": []})
    with pytest.raises(InputError, match="`smoothing`"):
        KnnEmbed(smoothing=2.0)
    with pytest.raises(InputError, match="has none"):
        knn_embed((np.zeros((0, 2)), np.zeros(0, dtype=int)), [], 2)
