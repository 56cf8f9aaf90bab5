"""Joined encoders: the cosine of the whole is the weighted mean of the parts."""

import numpy as np
import pytest
from tiny_models import tiny_encoder

from accord.alignment import Joined, joined
from accord.core.errors import InputError
from accord.retrieval.fusion import weighted_sum

TEXTS = ["read the row", "open a file", "sort", ""]


@pytest.fixture(scope="module")
def encoders():
    return [
        tiny_encoder(seed=1, layers=1, prompts={"query": "find: "}),
        tiny_encoder(seed=2, layers=1, hidden=16, heads=[]),
    ]


@pytest.mark.parametrize("weights", [None, [1, 3], [0.2, 0.8]])
def test_its_cosines_are_the_fusion_of_theirs(encoders, weights):
    both = Joined(encoders, weights)
    queries, documents = both.encode_query(TEXTS), both.encode_document(TEXTS)
    parts = []
    for one in encoders:
        a, b = one.encode_query(TEXTS), one.encode_document(TEXTS)
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
        parts.append(a @ b.T)
    shares = np.array(weights or [1, 1]) / sum(weights or [1, 1])
    np.testing.assert_allclose(queries @ documents.T, weighted_sum(np.stack(parts), shares, scale="none"), atol=1e-5)
    np.testing.assert_allclose(both.similarity(queries, documents), queries @ documents.T, atol=1e-5)


def test_vectors_have_unit_length_and_the_dims_of_all(encoders):
    both = Joined(encoders, [1, 2])
    assert (both.dims, both.dim) == ((32, 16), 48)
    rows = both.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (4, 48)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(both.encode(TEXTS[0]), rows[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows[:, :32], axis=1) ** 2, 1 / 3, rtol=1e-5)


def test_each_encoder_puts_its_own_prompt(encoders):
    both = Joined(encoders)
    asked, plain = both.encode_query(["row"]), both.encode_document(["row"])
    assert not np.allclose(asked[:, :32], plain[:, :32])
    np.testing.assert_allclose(asked[:, 32:], plain[:, 32:], atol=1e-6)


def test_a_zero_vector_stays_zero():
    rows = joined([np.zeros((1, 2)), np.ones((1, 1))], [1, 1])
    assert rows[0].tolist() == pytest.approx([0, 0, np.sqrt(0.5)])


def test_the_fingerprint_names_encoders_and_weights(encoders):
    prints = {Joined(encoders, w).fingerprint() for w in (None, [2, 2], [1, 2])}
    assert len(prints) == 2
    assert Joined(encoders[::-1]).fingerprint() not in prints


def test_anything_that_encodes_in_roles_is_enough():
    class Letters:
        def encode_query(self, texts, *, prompt_name=None, progress=None):
            return np.array([[len(t), 1.0] for t in texts])

        encode_document = encode_query

    both = Joined([Letters(), Letters()])
    assert both.encode(["ab"]).shape == (1, 4)
    with pytest.raises(InputError, match="lacks `dim`"):
        both.dims  # noqa: B018
    with pytest.raises(InputError, match="no fingerprint"):
        both.fingerprint()


def test_bad_input_is_refused(encoders):
    with pytest.raises(InputError, match="two or more"):
        Joined(encoders[:1])
    for weights in ([1], [1, 0], [1, -1], [1, float("nan")]):
        with pytest.raises(InputError, match="above zero for each of 2"):
            Joined(encoders, weights)
