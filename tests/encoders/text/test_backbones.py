"""Backbones of all families: what sentence-transformers saves we load, what we save it loads, vectors equal."""

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as theirs
from tiny_models import DECODERS, ENCODERS, byte_tokenizer, family_backbone, family_folder, family_tokenizer

from accord.core.errors import InputError, ModelError
from accord.core.types import View
from accord.encoders import TextEncoder, load
from accord.encoders.encode import encode_few
from accord.encoders.heads import Normalize
from accord.encoders.packed import packed_program
from accord.encoders.pooling import Last, Mean

QUICK = {"mpnet", "modernbert", "qwen3", "gemma3_text"}
FAMILIES = [f if f in QUICK else pytest.param(f, marks=pytest.mark.slow) for f in (*ENCODERS, *DECODERS)]
PROMPTS = {"query": "query: ", "document": "the document: "}
every_family = pytest.mark.parametrize("family", FAMILIES)


def theirs_of(folder, family, **pooling):
    """A model of sentence-transformers on a plain folder, which pads as the family does."""
    transformer = theirs.Transformer(str(folder))
    if transformer.tokenizer.pad_token is None:
        transformer.tokenizer.pad_token = transformer.tokenizer.eos_token
    parts = [transformer, theirs.Pooling(32, ("cls", "mean", "lasttoken"), **pooling), theirs.Normalize()]
    return SentenceTransformer(modules=parts, prompts=PROMPTS, default_prompt_name="document", device="cpu")


@pytest.mark.slow
@every_family
@pytest.mark.parametrize("include_prompt", [True, False])
def test_vectors_are_those_of_sentence_transformers_both_ways(tmp_path, texts, family, include_prompt):
    model = theirs_of(family_folder(tmp_path / "plain", family), family, include_prompt=include_prompt)
    model.save(str(tmp_path / "theirs"))
    ours = load(tmp_path / "theirs", device="cpu")
    assert ours.max_length == 64
    assert ours.default_prompt_name == "document"
    if not include_prompt:
        texts = [text for text in texts if text]  # nothing is left to pool: theirs is then a vector of the padding
    ours.save(tmp_path / "ours")
    again = SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    for options in ({}, {"prompt_name": "query"}, {"prompt": ""}):
        wanted, found = model.encode(texts, **options), ours.encode(texts, **options)
        assert found.shape == (len(texts), 96)
        np.testing.assert_allclose(found, wanted, atol=1e-6)
        np.testing.assert_allclose(again.encode(texts, **options), wanted, atol=1e-6)
    assert load(tmp_path / "ours", device="cpu").fingerprint() == ours.fingerprint()


@every_family
def test_views_equal_the_model_cut_there(texts, family):
    encoder = TextEncoder(family_backbone(family), family_tokenizer(family), [Mean()], [Normalize()], max_length=32)
    for layer in (1, 2):
        cut = encoder.eval().cut(View(layer=layer))
        assert cut.num_layers == layer
        np.testing.assert_allclose(encoder.encode(texts, view=View(layer=layer)), encode_few(cut, texts), atol=1e-6)


@every_family
def test_vectors_do_not_depend_on_the_batch_nor_on_the_way(texts, family):
    """Alone, together, many at once: also where the packed way or the fast attention has to stand back."""
    encoder = TextEncoder(family_backbone(family), family_tokenizer(family), [Last(), Mean()], max_length=48).eval()
    alone = np.concatenate([encode_few(encoder, [text]) for text in texts])
    np.testing.assert_allclose(encode_few(encoder, texts), alone, atol=2e-5)
    many = [f"{text} {n}" for n, text in enumerate(list(texts) * 12)]
    np.testing.assert_allclose(encoder.encode(many), encode_few(encoder, many), atol=2e-5)
    packed = packed_program(encoder.backbone, torch.float32)
    assert (packed is not None) == (family in {"roberta", "xlm-roberta"})


@every_family
def test_gradients_flow_through_the_fast_attention_under_dropout(family):
    backbone = family_backbone(family)
    for name in ("attention_dropout", "attention_probs_dropout_prob"):
        if hasattr(backbone.config, name):
            setattr(backbone.config, name, 0.1)
    encoder = TextEncoder(family_backbone(family), family_tokenizer(family), [Mean()], max_length=32).train()
    batch = encoder.prepare(["read a file", "the row of the list"])
    encoder(batch).pooled[View()].square().sum().backward()
    grads = [p.grad for p in encoder.backbone.parameters() if p.grad is not None]
    assert len(grads) > 10
    assert all(g.isfinite().all() for g in grads)


@pytest.mark.parametrize(
    ("family", "changes", "limit"),
    [
        ("mpnet", {}, 64),
        ("xlm-roberta", {"max_position_embeddings": 514}, 512),
        ("distilbert", {}, 64),
        ("modernbert", {"max_position_embeddings": 100}, 100),
        ("qwen3", {"max_position_embeddings": 32768}, 32768),
    ],
)
def test_the_limit_is_that_of_the_positions_less_those_of_padding(tmp_path, family, changes, limit):
    folder = family_folder(tmp_path / "m", family, **changes)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 10**30}))
    encoder = load(folder, device="cpu")
    assert encoder.max_length == limit
    if limit < 1000:
        assert len(encoder.tokenize(["a" * 2000]).ids[0]) == limit
        assert np.isfinite(encoder.encode("a" * 2000)).all()
    with pytest.raises(InputError, match=f"at most {limit}"):
        encoder.max_length = limit + 1


@pytest.mark.parametrize("writes", [True, False])
def test_a_plain_decoder_is_pooled_as_sentence_transformers_pools_it(tmp_path, texts, writes, caplog):
    folder = family_folder(tmp_path / "plain", "qwen3")
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["Qwen3ForCausalLM" if writes else "Qwen3Model"]
    (folder / "config.json").write_text(json.dumps(config))
    ours = load(folder, device="cpu")
    assert isinstance(ours.pooling[0], Last if writes else Mean)
    assert f"{'last-token' if writes else 'mean'} pooling" in caplog.text
    wanted = SentenceTransformer(str(folder), device="cpu").encode(texts)
    np.testing.assert_allclose(ours.encode(texts), wanted, atol=1e-5)


def test_without_a_padding_token_the_end_of_text_is_used_and_said(tmp_path, texts, caplog):
    folder = family_folder(tmp_path / "plain", "llama")
    encoder = load(folder, device="cpu")
    assert "no padding token: its end of text '</s>' is used" in caplog.text
    encoder.save(tmp_path / "ours")
    wanted = SentenceTransformer(str(tmp_path / "ours"), device="cpu").encode(texts)
    np.testing.assert_allclose(encoder.encode(texts), wanted, atol=1e-5)


def test_texts_are_cut_at_the_side_that_the_tokenizer_says(tmp_path):
    tokenizer = byte_tokenizer({"eos": "<e>", "pad": "<e>"}, suffix="<e>", side="left", truncation_side="left")
    folder = family_folder(tmp_path / "plain", "qwen2")
    tokenizer.save_pretrained(folder)
    encoder = load(folder, device="cpu", max_length=8)
    long = "one two three four"
    ids = encoder.tokenize([long]).ids[0].tolist()
    assert encoder.tokenizer.convert_ids_to_tokens(ids) == ["e", "e", "Ġ", "f", "o", "u", "r", "<e>"]
    encoder.save(tmp_path / "ours")
    wanted = SentenceTransformer(str(tmp_path / "ours"), device="cpu").encode([long, "a"])
    np.testing.assert_allclose(load(tmp_path / "ours", device="cpu").encode([long, "a"]), wanted, atol=1e-5)


def test_settings_that_change_what_the_model_is_given_are_refused_by_name(tmp_path):
    folder = family_folder(tmp_path / "plain", "qwen3")
    model = theirs_of(folder, "qwen3")
    model.save(str(tmp_path / "m"))
    path = tmp_path / "m" / "sentence_bert_config.json"
    for key, value in (("processing_kwargs", {"text": {"add_special_tokens": False}}), ("query_length", 32)):
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
        with pytest.raises(ModelError, match=key):
            load(tmp_path / "m")
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != key}))
    load(tmp_path / "m", device="cpu")
