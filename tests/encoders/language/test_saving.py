"""Heads beside a model on disk: read again by us, passed over by others, damage named."""

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import tiny_encoder

from accord.core.errors import ModelError
from accord.encoders import doctor, load
from accord.encoders.language import tie_head

TEXTS = ["read a file", "two three"]


@pytest.fixture
def saved(tmp_path):
    encoder = tiny_encoder()
    tie_head(encoder, "places", seed=4)
    tie_head(encoder, "texts")
    encoder.save(tmp_path / "m")
    return encoder, tmp_path / "m"


def test_heads_come_back(saved):
    encoder, path = saved
    again = load(path, device="cpu")
    assert sorted(again.token_heads) == ["places", "texts"]
    for name, weight in encoder.token_heads.state_dict().items():
        assert torch.equal(again.token_heads.state_dict()[name], weight)
    assert again.token_heads["places"].transform and not again.token_heads["texts"].transform
    assert again.fingerprint() == encoder.fingerprint() == tiny_encoder().fingerprint()
    assert doctor(path).passed


def test_others_pass_over_them(saved):
    encoder, path = saved
    theirs = SentenceTransformer(str(path), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(theirs, encoder.encode(TEXTS), atol=1e-6)


def test_a_model_without_heads_has_no_folder_for_them(tmp_path):
    tiny_encoder().save(tmp_path / "m")
    assert not (tmp_path / "m" / "token_heads").exists()


def test_damage_is_named(saved):
    _, path = saved
    config = path / "token_heads" / "config.json"
    sizes = json.loads(config.read_text())
    sizes["places"]["vocabulary"] += 1
    config.write_text(json.dumps(sizes))
    with pytest.raises(ModelError, match="was changed after"):
        load(path)
    (path / "accord.json").unlink()
    with pytest.raises(ModelError, match="does not hold the token heads"):
        load(path)
