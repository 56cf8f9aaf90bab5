"""Fitting codecs on a model's corpus: what is held out, what is drawn, what is kept."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import tiny_encoder_folder

from accord import load
from accord.compression import codecs
from accord.core.errors import InputError
from accord.encoders.cache import VectorCache
from accord.recipes.codecs import fit_codec, made_codec


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model"))


def test_texts_are_encoded_once_with_a_cache(model, tmp_path):
    (tmp_path / "corpus.txt").write_text("\n".join(f"row {n} of the file" for n in range(30)))
    cache = VectorCache(tmp_path / "vectors")
    for kind in ("int8", "sign"):
        fit_codec(model, tmp_path / "corpus.txt", tmp_path / kind, codec=made_codec(kind, {}), cache=cache)
    assert (cache.encoded, cache.reused) == (30, 30)
    assert codecs.load(tmp_path / "int8").made_for == load(model).fingerprint()


def test_the_same_seed_gives_the_same_codec(model, tmp_path, rng):
    np.save(tmp_path / "vectors.npy", rng.normal(size=(900, load(model).dim)).astype(np.float32))
    settings = {"codec": made_codec("rotated-sign", {}), "limit": 600}
    found = [fit_codec(model, tmp_path / "vectors.npy", tmp_path / "codec", seed=n, **settings) for n in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0]["identity"] != found[2]["identity"]
    assert found[0]["fitted_on"] == 540


def test_vectors_of_another_dimension_are_refused(model, tmp_path):
    np.save(tmp_path / "vectors.npy", np.ones((50, 3), dtype=np.float32))
    with pytest.raises(InputError, match="holds vectors of 3 dimensions"):
        fit_codec(model, tmp_path / "vectors.npy", tmp_path / "codec", codec=made_codec("int8", {}))


def test_codes_that_are_learned_with_the_text_get_its_words(model, tmp_path):
    (tmp_path / "corpus.txt").write_text(
        "\n".join(f"row {n} is of the {'red' if n % 3 else 'blue'}" for n in range(30))
    )
    codec = made_codec("binary-paragraph", {"bits": 8, "steps": 2})
    found = fit_codec(model, tmp_path / "corpus.txt", tmp_path / "codec", codec=codec)
    assert (found["kind"], found["code_bytes"], found["fitted_on"]) == ("BinaryParagraph", 1, 30)
    np.save(tmp_path / "vectors.npy", np.ones((50, load(model).dim), dtype=np.float32))
    with pytest.raises(InputError, match=r"give a file of texts, not a \.npy file"):
        fit_codec(model, tmp_path / "vectors.npy", tmp_path / "codec", codec=codec)
