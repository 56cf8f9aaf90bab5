"""LayerMix against a loop over layers, against its own cuts, and beside WeightedLayerPooling."""

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as theirs
from tiny_models import family_backbone, family_folder, family_tokenizer, tiny_encoder

from accord.core.errors import InputError, ModelError
from accord.core.types import View
from accord.encoders import TextEncoder, load
from accord.encoders.encode import encode_few
from accord.encoders.heads import Normalize
from accord.encoders.layer_mix import LayerMix
from accord.encoders.pooling import Mean


def mixed(encoder, start=1):
    encoder.layer_mix = LayerMix(encoder.num_layers, start=start)
    encoder.layer_mix.weights.data = torch.linspace(0.5, 2.0, encoder.num_layers + 1 - start)
    return encoder


def test_it_equals_a_loop(generator):
    hidden = [torch.randn(2, 3, 4, generator=generator) for _ in range(5)]
    mix = LayerMix(4, start=2)
    mix.weights.data = torch.tensor([1.0, 2.0, 5.0])
    wanted = (1 * hidden[2] + 2 * hidden[3] + 5 * hidden[4]) / 8
    torch.testing.assert_close(mix(hidden), wanted)
    torch.testing.assert_close(mix(hidden[:4]), (hidden[2] + 2 * hidden[3]) / 3)
    assert mix(hidden[:2]) is hidden[1]
    assert repr(mix) == "LayerMix(layers=4, start=2)"
    with pytest.raises(InputError, match="`start` must be at most 4"):
        LayerMix(4, start=5)


@pytest.mark.parametrize("family", ["mpnet", "llama", "modernbert"])
def test_a_view_equals_the_model_cut_there(texts, family):
    encoder = mixed(TextEncoder(family_backbone(family), family_tokenizer(family), [Mean()], max_length=32).eval(), 2)
    for layer in (1, 2, 3):
        cut = encoder.cut(View(layer=layer))
        assert (cut.layer_mix is None) == (layer < 2)
        np.testing.assert_allclose(encoder.encode(texts, view=View(layer=layer)), encode_few(cut, texts), atol=2e-6)


@pytest.mark.parametrize("start", [0, 2])
def test_they_load_what_we_save(tmp_path, texts, start):
    encoder = mixed(tiny_encoder(heads=[Normalize()]), start)
    plain = tiny_encoder().encode(texts)
    encoder.save(tmp_path / "m")
    assert [row["path"] for row in json.loads((tmp_path / "m" / "modules.json").read_text())] == [
        *("", "1_WeightedLayerPooling", "2_Pooling", "3_Normalize")
    ]
    again = load(tmp_path / "m", device="cpu")
    assert again.fingerprint() == encoder.fingerprint() != tiny_encoder().fingerprint()
    assert np.array_equal(again.encode(texts), encoder.encode(texts))
    found = SentenceTransformer(str(tmp_path / "m"), device="cpu").encode(texts)
    np.testing.assert_allclose(found, encoder.encode(texts), atol=1e-6)
    assert abs(found - plain).max() > 1e-2


@pytest.mark.slow
def test_we_load_what_they_save(tmp_path, texts):
    transformer = theirs.Transformer(
        str(family_folder(tmp_path / "p", "qwen3")), config_kwargs={"output_hidden_states": True}
    )
    mix = theirs.WeightedLayerPooling(32, num_hidden_layers=3, layer_start=1)
    mix.layer_weights.data = torch.tensor([1.0, 0.2, 3.0])
    model = SentenceTransformer(modules=[transformer, mix, theirs.Pooling(32, "mean")], device="cpu")
    model.save(str(tmp_path / "m"))
    encoder = load(tmp_path / "m", device="cpu")
    np.testing.assert_allclose(encoder.encode(texts), model.encode(texts), atol=1e-5)
    many = [f"{text} {n}" for n, text in enumerate(list(texts) * 15)]
    np.testing.assert_allclose(encoder.encode(many), encode_few(encoder, many), atol=1e-5)


def test_the_packed_way_stands_back(texts):
    encoder = mixed(tiny_encoder())
    many = [f"{text} {n}" for n, text in enumerate(list(texts) * 25)]
    np.testing.assert_allclose(encoder.encode(many), encode_few(encoder, many), atol=1e-6)
    assert abs(encoder.encode(many) - tiny_encoder().encode(many)).max() > 1e-2


def test_its_weights_learn():
    encoder = mixed(tiny_encoder())
    encoder(encoder.prepare(["read a file", "a"])).pooled[View()][0, 0].backward()
    assert encoder.layer_mix.weights.grad.abs().sum() > 0


def test_a_mix_of_another_model_is_named(tmp_path):
    mixed(tiny_encoder()).save(tmp_path / "m")
    (tmp_path / "m" / "accord.json").unlink()
    path = tmp_path / "m" / "1_WeightedLayerPooling" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 12}))
    with pytest.raises(ModelError, match="`num_hidden_layers` is 12, and the model has 3 layers"):
        load(tmp_path / "m")
