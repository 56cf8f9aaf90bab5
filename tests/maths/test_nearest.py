import numpy as np
import pytest

from accord.core.errors import InputError
from accord.maths.nearest import nearest, row_scores, unit_rows
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
