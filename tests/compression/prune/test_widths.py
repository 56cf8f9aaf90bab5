"""Pruned widths: idle units and heads go first, least squares help, folders are plain."""

import copy

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import family_folder, tiny_encoder

from accord.compression.prune import FeedForward, Heads, prune_feed_forward, prune_heads
from accord.compression.prune.widths import gate_importance
from accord.core.errors import InputError
from accord.encoders import load

TEXTS = ["read the file", "a list of names and the code, row by row", "x"]


def cosine(a, b):
    return (a * b).sum(1).mean()


def test_idle_units_go_without_a_trace(tmp_path, calibration):
    encoder = tiny_encoder()
    for number, layer in enumerate(encoder.backbone.encoder.layer):
        layer.output.dense.weight.data[:, number % 2 :: 2] = 0
    smaller, record = prune_feed_forward(encoder, 0.5, calibration, by="vectors")
    assert record == {"method": "ffn", "by": "vectors", "share": 0.5, "of": 64, "kept": 32}
    assert smaller.backbone.config.intermediate_size == 32
    np.testing.assert_allclose(smaller.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    smaller.save(tmp_path / "m")
    model = SentenceTransformer(str(tmp_path / "m"), device="cpu")
    np.testing.assert_allclose(model.encode(TEXTS), smaller.encode(TEXTS), atol=1e-6)


def test_what_a_twin_did_is_told_from_the_other(calibration):
    """Units in pairs that see the same; the twin that adds less goes, and the other takes over its part."""
    encoder = tiny_encoder()
    for layer in encoder.backbone.encoder.layer:
        into, out = layer.intermediate.dense, layer.output.dense
        into.weight.data[1::2], into.bias.data[1::2] = into.weight.data[::2], into.bias.data[::2]
        out.weight.data[:, 1::2] *= 0.3
    wanted = encoder.encode(calibration)
    found = FeedForward(0.5).prune(encoder, calibration).encoder.encode(calibration)
    plain = FeedForward(0.5, by="vectors").prune(encoder, calibration).encoder.encode(calibration)
    assert cosine(found, wanted) > max(0.98, cosine(plain, wanted))


def test_importance_is_the_squared_change_of_the_vectors(calibration):
    """Beside finite differences, one gate after the other."""
    encoder = tiny_encoder(layers=1).double()
    out = encoder.backbone.encoder.layer[0].output.dense
    texts = calibration[:4]
    (found,) = gate_importance(encoder, texts, [out], [64])
    batch = encoder.prepare(texts)
    step, wanted = 1e-4, torch.empty(64, dtype=torch.float64)
    with torch.no_grad():
        before = next(iter(encoder(batch).pooled.values()))
        for unit in range(64):
            other = copy.deepcopy(encoder)
            other.backbone.encoder.layer[0].output.dense.weight.data[:, unit] *= 1 + step
            wanted[unit] = ((next(iter(other(batch).pooled.values())) - before) / step).square().sum(1).mean()
    assert np.corrcoef(found.numpy(), wanted.numpy())[0, 1] > 0.8
    assert float(found.sum() / wanted.sum()) == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize("family", ["distilbert", "mpnet", "qwen2"])
def test_inner_units_of_other_families(tmp_path, calibration, family):
    encoder = load(family_folder(tmp_path / "m", family), device="cpu")
    smaller, _ = prune_feed_forward(encoder, 0.25, calibration)
    smaller.save(tmp_path / "s")
    np.testing.assert_allclose(load(tmp_path / "s", device="cpu").encode(TEXTS), smaller.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("family", ["qwen3", "llama"])
def test_groups_of_heads_go_together(tmp_path, calibration, family):
    encoder = load(family_folder(tmp_path / "m", family, head_dim=8), device="cpu")
    for layer in encoder.backbone.layers:
        layer.self_attn.o_proj.weight.data[:, :16] = 0  # the first of two groups, two heads of size 8 each
    pruned = Heads(0.5).prune(encoder, calibration)
    assert pruned.record["kept"] == 2
    np.testing.assert_allclose(pruned.encoder.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    pruned.encoder.save(tmp_path / "s")
    again = load(tmp_path / "s", device="cpu")
    assert (again.backbone.config.num_attention_heads, again.backbone.config.num_key_value_heads) == (2, 1)
    np.testing.assert_allclose(again.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)


def test_refusals(tmp_path, calibration):
    encoder = tiny_encoder()
    for share in (0, 1, -0.5, True):
        with pytest.raises(InputError, match=r"`ffn` must lie in \(0, 1\)"):
            FeedForward(share)
        with pytest.raises(InputError, match=r"`heads` must lie in \(0, 1\)"):
            Heads(share)
    with pytest.raises(InputError, match="`by` must be one of fluctuation, vectors"):
        FeedForward(0.5, by="size")
    with pytest.raises(InputError, match=r"at least 16\. Got 2"):
        prune_feed_forward(encoder, 0.5, calibration[:2])
    with pytest.raises(InputError, match="`heads` does not support bert"):
        prune_heads(encoder, 0.5, calibration)
    modern = load(family_folder(tmp_path / "m", "modernbert"), device="cpu")
    with pytest.raises(InputError, match="`ffn` does not support ModernBertModel"):
        prune_feed_forward(modern, 0.5, calibration)
