"""A model that is cut is an ordinary smaller one, and says what it was cut from."""

import json

import numpy as np
import pytest
from tiny_models import tiny_encoder, tiny_encoder_folder
from tiny_pairs import tiny_cross_encoder_folder

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders import StaticEncoder, doctor, load
from accord.encoders.heads import Normalize
from accord.recipes.cut import cut

TEXTS = ["read the file", "the row of a list", ""]


def test_a_cut_folder_gives_the_vectors_of_the_view(tmp_path):
    from sentence_transformers import SentenceTransformer

    folder = tiny_encoder_folder(tmp_path / "whole", prompts={"query": "find: "})
    done = cut(folder, out=tmp_path / "small", layers=2, dim=8)
    assert done.size == "2x8"
    assert done.parameters[0] < done.parameters[1]
    small, whole = load(tmp_path / "small"), load(folder)
    assert (small.num_layers, small.dim, small.prompts) == (2, 8, {"query": "find: "})
    np.testing.assert_allclose(small.encode(TEXTS), whole.encode(TEXTS, view=View(2, 8)), atol=1e-6)
    theirs = SentenceTransformer(str(tmp_path / "small"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(theirs, small.encode(TEXTS), atol=1e-6)
    kept = json.loads((tmp_path / "small" / "accord.json").read_text())["metadata"]["cut"]
    assert kept == done.record
    assert kept["from"] == {"model": str(folder), "fingerprint": whole.fingerprint(), "size": "3x32"}
    assert (kept["layers"], kept["dim"]) == (2, 8)
    assert doctor(tmp_path / "small").passed


def test_a_static_model_is_cut_to_dimensions(tmp_path):
    tokenizer = tiny_encoder().tokenizer
    table = np.random.default_rng(0).normal(size=(len(tokenizer), 16)).astype(np.float32)
    StaticEncoder(table, tokenizer, [Normalize()]).save(tmp_path / "whole")
    cut(tmp_path / "whole", out=tmp_path / "small", dim=4)
    assert load(tmp_path / "small").encode(TEXTS).shape == (3, 4)
    with pytest.raises(InputError, match="A static model has no layers"):
        cut(tmp_path / "whole", out=tmp_path / "other", layers=2)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"layers": 4}, "larger than the model, which has 3 layers"),
        ({"dim": 33}, "larger than the model, which has 32 dimensions"),
        ({"width": 65}, "larger than the model, which has 64 width"),
        ({"layers": 3, "dim": 32}, "nothing would be cut"),
        ({}, "nothing would be cut"),
        ({"dim": 0}, "`--dim` must be at least 1"),
    ],
)
def test_a_size_that_is_not_smaller_is_refused(tmp_path, size, message):
    folder = tiny_encoder_folder(tmp_path / "whole")
    with pytest.raises(InputError, match=message):
        cut(folder, out=tmp_path / "small", **size)
    assert not (tmp_path / "small").exists()


def test_a_cross_encoder_is_refused(tmp_path):
    folder = tiny_cross_encoder_folder(tmp_path / "pairs")
    with pytest.raises(InputError, match="is a cross-encoder"):
        cut(folder, out=tmp_path / "small", layers=1)
