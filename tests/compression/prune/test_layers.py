"""Dropped layers: which ones, what is left, and that the folder is a plain one."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import family_folder, tiny_encoder

from accord.compression.prune import Layers, block_influence, choose_layers, drop_layers
from accord.compression.prune.layers import spaced_layers
from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders import load
from accord.encoders.layer_mix import LayerMix

TEXTS = ["read the file", "a list of names and the code, row by row", "x"]


def test_the_first_layers_are_a_cut(calibration):
    encoder = tiny_encoder()
    np.testing.assert_allclose(
        drop_layers(encoder, [0, 1]).encode(TEXTS), encoder.cut(View(layer=2)).encode(TEXTS), atol=1e-6
    )
    assert encoder.num_layers == 3


def test_a_layer_that_does_nothing_is_dropped_first(tmp_path, calibration):
    encoder = tiny_encoder(layers=4)
    idle = encoder.backbone.encoder.layer[2]
    for out in (idle.attention.output, idle.output):
        out.dense.weight.data.zero_()
        out.dense.bias.data.zero_()
    influence = block_influence(encoder, calibration)
    assert int(np.argmin(influence)) == 2
    assert influence[2] < 1e-6
    for by in ("vectors", "influence"):
        assert choose_layers(encoder, 3, calibration, by=by) == [0, 1, 3]
    pruned = Layers(3).prune(encoder, calibration)
    assert pruned.record == {"method": "layers", "of": 4, "kept": [0, 1, 3], "by": "vectors"}
    np.testing.assert_allclose(pruned.encoder.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    pruned.encoder.save(tmp_path / "m")
    model = SentenceTransformer(str(tmp_path / "m"), device="cpu")
    np.testing.assert_allclose(model.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)


@pytest.mark.parametrize("family", ["distilbert", "mpnet", "gemma3_text", "modernbert"])
def test_other_families_come_back_as_they_were_saved(tmp_path, family):
    encoder = load(family_folder(tmp_path / "m", family), device="cpu")
    smaller = drop_layers(encoder, [0, 2])
    smaller.save(tmp_path / "s")
    again = load(tmp_path / "s", device="cpu")
    assert again.num_layers == 2
    np.testing.assert_allclose(again.encode(TEXTS), smaller.encode(TEXTS), atol=1e-6)
    if family == "modernbert":
        with pytest.raises(InputError, match="first layer of ModernBERT"):
            drop_layers(encoder, [1, 2])


def test_choices_that_look_at_no_text():
    encoder = tiny_encoder()
    assert choose_layers(encoder, 2, by="first") == [0, 1]
    assert choose_layers(encoder, 2, by="spaced") == [0, 2]
    assert spaced_layers(12, 4) == [0, 4, 7, 11]


def test_refusals(calibration):
    encoder = tiny_encoder()
    with pytest.raises(InputError, match=r"`layers` must lie in \[1, 2\], as the model has 3 layers. Got 5"):
        choose_layers(encoder, 5, calibration)
    with pytest.raises(InputError, match=r"at least 1\. Got 0"):
        choose_layers(encoder, 2)
    for kept in ([], [0, 3], [1, 0], [0, 0]):
        with pytest.raises(InputError, match="different layers of 0 to 2"):
            drop_layers(encoder, kept)
    with pytest.raises(InputError, match="either `count`"):
        Layers()
    encoder.layer_mix = LayerMix(3, start=1)
    with pytest.raises(InputError, match="WeightedLayerPooling"):
        drop_layers(encoder, [0])
    encoder.layer_mix = None
    encoder.backbone.encoder.layer = torch.nn.Sequential(*encoder.backbone.encoder.layer)
    with pytest.raises(InputError, match="were not found"):
        drop_layers(encoder, [0])
