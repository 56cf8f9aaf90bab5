"""A narrow view is the model that is cut to it; every family whose feed-forward parts can be told apart has it."""

import numpy as np
import pytest
import torch
from tiny_models import family_backbone, tiny_encoder

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders import StaticEncoder
from accord.encoders.encode import encode_few
from accord.encoders.text.widths import cut_width, inner_width, run_narrow


@pytest.mark.parametrize("view", [View(width=16), View(2, 8, width=5), View(width=64)])
def test_a_narrow_view_equals_the_model_cut_there(view, texts):
    encoder = tiny_encoder()
    with torch.no_grad():
        found = encoder(encoder.prepare(texts), (View(), view)).pooled
    cut = encoder.cut(view)
    np.testing.assert_allclose(found[view].numpy(), encode_few(cut, texts), atol=1e-6)
    np.testing.assert_allclose(found[View()].numpy(), encode_few(encoder, texts), atol=1e-6)
    np.testing.assert_allclose(encoder.encode(texts, view=view), cut.encode(texts), atol=1e-5)
    assert cut.inner_width == view.width
    assert encoder.inner_width == 64


def test_a_narrow_model_saves_and_loads_there(tmp_path, texts):
    from sentence_transformers import SentenceTransformer

    cut = tiny_encoder().cut(View(layer=2, dim=8, width=24))
    cut.save(tmp_path / "m")
    found = SentenceTransformer(str(tmp_path / "m"), device="cpu").encode(texts)
    np.testing.assert_allclose(found, cut.encode(texts), atol=1e-6)


def test_gradients_go_to_the_units_that_took_part(texts):
    encoder = tiny_encoder()
    encoder(encoder.prepare(texts), (View(width=16),)).pooled[View(width=16)].square().sum().backward()
    layer = encoder.backbone.encoder.layer[0]
    assert layer.intermediate.dense.weight.grad[:16].abs().sum() > 0
    assert layer.intermediate.dense.weight.grad[16:].abs().sum() == 0
    assert layer.output.dense.weight.grad[:, 16:].abs().sum() == 0
    assert layer.intermediate.dense.weight.shape[0] == 64


@pytest.mark.parametrize("family", ["roberta", "mpnet", "distilbert", "llama", "qwen3", "gemma2"])
def test_other_families_are_narrowed_alike(family):
    backbone = family_backbone(family)
    assert inner_width(backbone) == 64
    inputs = {"input_ids": torch.arange(5, 17)[None], "attention_mask": torch.ones(1, 12, dtype=torch.long)}
    with torch.no_grad():
        found = run_narrow(backbone, 20, inputs).last_hidden_state
        cut_width(backbone, 20)
        wanted = backbone(**inputs).last_hidden_state
    torch.testing.assert_close(found, wanted)
    assert inner_width(backbone) == 20


def test_what_cannot_be_narrowed_says_so():
    backbone = family_backbone("modernbert")  # gate and value share one map
    assert inner_width(backbone) is None
    with pytest.raises(InputError, match="were not found"):
        cut_width(backbone, 8)
    encoder = tiny_encoder()
    for view in (View(width=0), View(width=65)):
        with pytest.raises(InputError, match=r"`width` must lie in \[1, 64\]"):
            encoder.encode("a", view=view)
    static = StaticEncoder(np.ones((len(encoder.tokenizer), 4), dtype=np.float32), encoder.tokenizer)
    with pytest.raises(InputError, match="no feed-forward parts"):
        static.encode("a", view=View(width=2))
