"""One pass, a space a condition; what was saved comes back, on its own encoder only."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError, ModelError
from accord.encoders import ConditionalEncoder
from accord.encoders.heads import ConditionalAttention
from accord.encoders.token_vectors import token_vectors

TEXTS = ["read the file", "a", "", "write two lists of the names to one row and close it"]


@pytest.fixture(scope="module")
def encoder():
    return tiny_encoder(layers=1, hidden=16)


@pytest.fixture
def made(encoder):
    return ConditionalEncoder(encoder, ConditionalAttention(["topic", "tone"], 16, 12, heads=4))


def test_token_vectors_are_those_of_a_forward_pass(encoder):
    tokens = token_vectors(encoder, TEXTS)
    assert len(tokens) == len(TEXTS)
    for n, text in enumerate(TEXTS):
        with torch.no_grad():
            expected = encoder(encoder.prepare([text])).tokens[0]
        seen, mask = tokens.batch(np.array([n]))
        assert mask.all()
        torch.testing.assert_close(seen[0], expected, atol=5e-3, rtol=5e-3)
    seen, mask = tokens.batch(np.array([1, 3]))
    assert mask.sum(dim=1).tolist() == np.diff(tokens.offsets)[[1, 3]].tolist()


def test_spaces_are_what_encode_gives_for_each_condition(made):
    spaces = made.spaces(TEXTS)
    assert list(spaces) == ["topic", "tone"]
    for name, vectors in spaces.items():
        assert vectors.shape == (4, 12)
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, made.encode(TEXTS, name))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(made.encode(TEXTS[3:], "tone"), spaces["tone"][3:], atol=1e-5)
    assert made.encode([], "tone").shape == (0, 12)


def test_it_comes_back_as_it_was_saved(made, encoder, tmp_path):
    made.save(tmp_path / "head")
    again = ConditionalEncoder.load(tmp_path / "head", encoder)
    assert again.names == made.names
    np.testing.assert_array_equal(again.encode(TEXTS, "topic"), made.encode(TEXTS, "topic"))
    with pytest.raises(ModelError, match="another encoder"):
        ConditionalEncoder.load(tmp_path / "head", tiny_encoder(layers=1, hidden=16, seed=4))
    with pytest.raises(ModelError, match="holds no"):
        ConditionalEncoder.load(tmp_path, encoder)
    (tmp_path / "head" / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError):
        ConditionalEncoder.load(tmp_path / "head", encoder)


def test_bad_arguments_are_refused(made, encoder):
    with pytest.raises(InputError, match="Did you mean `tone`"):
        made.encode(TEXTS, "tones")
    with pytest.raises(InputError, match="list of texts"):
        made.encode("one text", "tone")
    with pytest.raises(InputError, match="width 8"):
        ConditionalEncoder(encoder, ConditionalAttention(["a"], 8, 4, heads=2))
    with pytest.raises(InputError, match="does not read tokens"):
        token_vectors(object(), ["a"])
