"""The direction of attention: switched at load, kept by saving, equal in sentence-transformers, refused if it fails."""

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import DECODERS, ENCODERS, family_backbone, family_folder, family_tokenizer, tiny_encoder

from accord.core.errors import InputError, ModelError
from accord.encoders import TextEncoder, doctor, load
from accord.encoders.attention import attention_direction
from accord.encoders.direction import asked_direction, built_causal, switch_attention
from accord.encoders.pooling import Last, Mean

QUICK = {"qwen3", "gemma3_text"}
decoders = pytest.mark.parametrize(
    "f", [f if f in QUICK else pytest.param(f, marks=pytest.mark.slow) for f in DECODERS]
)


@pytest.mark.parametrize("family", [*ENCODERS, *DECODERS])
def test_families_look_as_they_were_built(family):
    encoder = TextEncoder(family_backbone(family), family_tokenizer(family), [Mean()], max_length=64).eval()
    assert attention_direction(encoder) == ("causal" if family in DECODERS else "bidirectional")
    assert built_causal(encoder.backbone) == (family in DECODERS)
    assert asked_direction(encoder.backbone.config) is None


@pytest.mark.slow
@decoders
def test_a_switched_decoder_stays_switched_everywhere(tmp_path, texts, f):
    folder = family_folder(tmp_path / "plain", f)
    causal, both = load(folder, device="cpu"), load(folder, device="cpu", attention="bidirectional")
    assert (attention_direction(causal), attention_direction(both)) == ("causal", "bidirectional")
    assert causal.fingerprint() != both.fingerprint()
    both.save(tmp_path / "ours")
    assert json.loads((tmp_path / "ours" / "accord.json").read_text())["identity"]["attention"] == "bidirectional"
    settings = json.loads((tmp_path / "ours" / "config_sentence_transformers.json").read_text())
    assert settings["requirements"]["transformers"]["specifier"] == (">=4.56.2" if f == "gemma3_text" else ">=5.2")
    assert "| Attention | bidirectional, switched" in (tmp_path / "ours" / "README.md").read_text()
    again = load(tmp_path / "ours", device="cpu")
    assert attention_direction(again) == "bidirectional"
    assert again.fingerprint() == both.fingerprint()
    theirs = SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    for part in (texts, ["read a file"]):  # one text alone is where others forget the switch
        found = again.encode(part)
        np.testing.assert_allclose(theirs.encode(part, batch_size=len(part)), found, atol=2e-6 * abs(found).max())
        assert abs(causal.encode(part) - found).max() > 1e-2
    back = load(tmp_path / "ours", device="cpu", attention="causal")
    back.pooling = causal.pooling
    np.testing.assert_allclose(back.encode(texts), causal.encode(texts), atol=1e-5)


def test_last_layers_see_what_comes_later_under_a_sliding_window(tmp_path):
    """Both kinds of layer are switched: token 0 sees as far as the windows of all layers together reach."""
    long = "abcdefghij" * 4
    for f in ("mistral", "gemma3_text"):
        encoder = load(family_folder(tmp_path / f, f), device="cpu", attention="bidirectional")
        first = []
        for text in (long, long[:-1] + "!"):
            with torch.no_grad():
                first.append(encoder(encoder.prepare([text])).tokens[0, 0])
        moved = float((first[0] - first[1]).abs().max())
        assert (moved > 0) == (f == "gemma3_text")  # one of its layers looks everywhere; Mistral's window is 8


def test_a_switch_that_takes_no_effect_is_an_error(tmp_path):
    folder = family_folder(tmp_path / "m", "distilbert")
    words = r"`attention` asks for causal attention, and DistilBertModel.*gives it on none.*it is bidirectional"
    with pytest.raises(ModelError, match=words):
        load(folder, attention="causal")
    assert load(folder, device="cpu", attention="bidirectional").dim == 32
    with pytest.raises(InputError, match="attention"):
        load(folder, attention="sideways")


def test_a_configuration_whose_switch_works_on_some_batches_only_is_an_error(tmp_path):
    """Gemma 1 heeds `use_bidirectional_attention` in its layers and not in its masks."""
    folder = family_folder(tmp_path / "m", "gemma")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"use_bidirectional_attention": True}))
    with pytest.raises(ModelError, match=r"its `config.json` asks for bidirectional attention.*on some batches only"):
        load(folder)
    assert attention_direction(load(folder, device="cpu", attention="bidirectional")) == "bidirectional"
    assert attention_direction(load(folder, device="cpu", attention="causal")) == "causal"


def test_a_configuration_whose_switch_is_ignored_is_an_error(tmp_path):
    folder = family_folder(tmp_path / "m", "qwen2")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"use_bidirectional_attention": True}))
    with pytest.raises(ModelError, match=r"on none: tried alone and beside a longer text, it is causal"):
        load(folder)
    assert "attention: causal, asked to be bidirectional" in doctor(folder).failures


def test_doctor_names_a_lost_switch(tmp_path):
    load(family_folder(tmp_path / "plain", "qwen3"), device="cpu", attention="bidirectional").save(tmp_path / "m")
    assert doctor(tmp_path / "m").passed
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    assert config.pop("is_causal") is False
    path.write_text(json.dumps(config))
    failures = doctor(tmp_path / "m").failures
    assert "attention: was 'bidirectional', is 'causal'" in failures
    (tmp_path / "m" / "accord.json").write_text(
        json.dumps(json.loads((tmp_path / "m" / "accord.json").read_text()) | {"files": {}})
    )
    with pytest.raises(ModelError, match="it was saved with bidirectional attention"):
        load(tmp_path / "m")


def test_switching_keeps_the_rest_of_a_configuration():
    config = family_backbone("gemma3_text").config
    both = switch_attention(config, "bidirectional")
    assert (config.use_bidirectional_attention, both.use_bidirectional_attention) == (False, True)
    assert both.sliding_window == config.sliding_window // 2 + 1
    back = switch_attention(both, "causal")
    changed = {k for k, v in back.to_dict().items() if v != config.to_dict().get(k)}
    assert changed <= {"architectures", "dtype", "transformers_version"}


def test_words_that_the_tokenizer_does_not_tell_apart_are_no_hindrance(tmp_path):
    encoder = TextEncoder(family_backbone("qwen3"), family_tokenizer("qwen3"), [Last()], max_length=4).eval()
    assert attention_direction(encoder) == "causal"
    assert attention_direction(tiny_encoder(max_length=4)) == "bidirectional"
    assert not tiny_encoder().training
