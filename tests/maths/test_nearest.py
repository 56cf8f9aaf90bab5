import numpy as np
import pytest

from accord.core.errors import InputError
from accord.maths.nearest import nearest, nearest_parts, place_scores, row_scores, unit_rows
from accord.maths.ranks import id_order


@pytest.fixture
def vectors():
    generator = np.random.default_rng(0)
    queries, documents = generator.normal(size=(30, 16)), generator.normal(size=(200, 16))
    documents[150:] = documents[:50]  # exact ties
    return queries, documents


@pytest.mark.parametrize("kind", ["cosine", "dot"])
@pytest.mark.parametrize("block", [7, 64, 4096])
def test_blocks_equal_the_whole_matrix(vectors, kind, block):
    # small integers and lengths of 4, so that every order of summation gives the same float
    queries, documents = (np.round(v * 2) for v in vectors)
    if kind == "cosine":
        queries, documents = np.sign(queries) + (queries == 0), np.sign(documents) + (documents == 0)
    order = id_order([f"d{i}" for i in range(200)])
    rows, scores = nearest(queries, documents, 12, order=order, kind=kind, block=block)
    full = queries @ documents.T / (16 if kind == "cosine" else 1)
    for i in range(30):
        assert rows[i].tolist() == sorted(range(200), key=lambda j: (round(full[i, j], 4), order[j]), reverse=True)[:12]
    assert np.allclose(scores, np.take_along_axis(full, rows, 1), atol=1e-6)


def test_what_is_left_out_never_appears(vectors):
    queries, documents = vectors
    first = nearest(queries, documents, 1, order=np.arange(200))[0][:, 0]
    rows, _ = nearest(queries, documents, 200, order=np.arange(200), leave_out=first, block=32)
    for row, gone in zip(rows, first):
        assert sorted(row.tolist()) == sorted([-1, *set(range(200)) - {gone}])
        assert row[-1] == -1


def test_a_zero_vector_scores_zero():
    assert not unit_rows(np.zeros((1, 3))).any()
    assert row_scores(np.zeros((1, 3)), np.ones((1, 3))).tolist() == [0.0]


def test_dimensions_must_agree():
    with pytest.raises(InputError, match="share their dimension"):
        nearest(np.zeros((1, 2)), np.zeros((1, 3)), 1, order=np.arange(1))


def oracle(scores, k, order, allowed):
    """Sorted one query at a time."""
    found = []
    for i, row in enumerate(scores):
        best = sorted(np.flatnonzero(allowed[i]), key=lambda j: (row[j], order[j]), reverse=True)[:k]
        found.append([*best, *[-1] * (min(k, scores.shape[1]) - len(best))])
    return np.array(found)


@pytest.mark.parametrize(("documents", "k"), [(40, 3), (700, 50), (2600, 12), (30, 60)])
def test_what_is_forbidden_is_not_found_however_the_blocks_fall(documents, k):
    generator = np.random.default_rng(k)
    queries = generator.integers(-1, 2, size=(70, 5)).astype(np.float32)  # sums are exact, and nearly all scores tie
    rows = generator.integers(-1, 2, size=(documents, 5)).astype(np.float32)
    order, banned = generator.permutation(documents), generator.random((70, documents)) < 0.3
    wanted = oracle(queries @ rows.T, k, order, ~banned)
    for block in (17, 1100, 4096):
        found, scores = nearest(
            queries, rows, k, order=order, forbid=lambda part, span: banned[part, span], kind="dot", block=block
        )
        np.testing.assert_array_equal(found, wanted)
        here = found >= 0
        np.testing.assert_array_equal(scores[here], np.take_along_axis(queries @ rows.T, found, 1)[here])
        assert np.isneginf(scores[~here]).all()


def test_a_flood_of_ties_is_cut_by_the_order():
    order = np.random.default_rng(0).permutation(9000)
    found, scores = nearest(np.ones((3, 2)), np.ones((9000, 2)), 4, order=order, kind="dot", block=1500)
    assert found.tolist() == [np.argsort(-order)[:4].tolist()] * 3
    assert (scores == 2).all()


def test_parts_are_the_whole_and_neither_depends_on_the_other_queries(vectors):
    queries = np.concatenate([vectors[0]] * 80)  # 2,400 queries: three parts
    options = {"order": np.arange(200)[::-1], "kind": "cosine"}
    rows, scores = nearest(queries, vectors[1], 9, **options)
    starts = []
    for first, some, _ in nearest_parts(queries, vectors[1], 9, **options):
        starts.append(first)
        np.testing.assert_array_equal(rows[first : first + len(some)], some)
    assert starts == [0, 1024, 2048]
    np.testing.assert_array_equal(rows, np.tile(rows[:30], (80, 1)))
    np.testing.assert_allclose(scores, np.tile(scores[:30], (80, 1)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["cosine", "dot"])
def test_equal_documents_tie_wherever_they_stand_in_a_product(kind):
    generator = np.random.default_rng(4)
    queries, once = generator.normal(size=(1500, 48)), generator.normal(size=(37, 48))
    places = generator.integers(0, 37, size=3000)
    order = generator.permutation(3000)
    found, scores = nearest(queries, once[places], 90, order=order, kind=kind, block=700)
    np.testing.assert_array_equal(scores[:, 1:] == scores[:, :-1], places[found[:, 1:]] == places[found[:, :-1]])
    same = places[found[:, 1:]] == places[found[:, :-1]]
    assert (order[found[:, 1:]] < order[found[:, :-1]])[same].all()


def test_infinite_documents_come_first():
    documents = np.array([[1.0, 0.0], [np.inf, 0.0], [2.0, 0.0], [np.inf, 1.0]])
    found, scores = nearest(np.array([[1.0, 1.0]]), documents, 3, order=np.arange(4), kind="dot")
    assert found.tolist() == [[3, 1, 2]]
    assert scores.tolist() == [[np.inf, np.inf, 2.0]]


def test_scores_of_chosen_places(vectors, rng):
    queries, documents = vectors
    rows, columns = rng.integers(0, 30, 20_000), rng.integers(0, 200, 20_000)
    full = unit_rows(queries) @ unit_rows(documents).T
    np.testing.assert_allclose(place_scores(queries, documents, rows, columns), full[rows, columns], atol=1e-6)


def test_not_a_number_is_refused():
    for kind in ("cosine", "dot"):
        with pytest.raises(InputError, match="NaN"):
            nearest(np.array([[np.nan, 1.0]]), np.eye(2), 1, order=np.arange(2), kind=kind)
