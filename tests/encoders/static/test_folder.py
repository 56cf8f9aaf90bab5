"""Static folders: ours in theirs, theirs in ours, and what is wrong with a folder."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize as TheirNormalize
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tiny_models import tiny_tokenizer

from accord.core.errors import ModelError
from accord.encoders import StaticEncoder, doctor, load
from accord.encoders.heads import Dense, Normalize
from accord.encoders.static import TokenTable
from accord.encoders.static.folder import table_width

PROMPTS = {"query": "query: "}


@pytest.fixture
def known(texts):
    """Texts without unknown tokens."""
    return [text for text in texts if "日" not in text]


def model2vec():
    return pytest.importorskip("model2vec").StaticModel


def by_sentence_transformers(folder, texts, **options):
    return SentenceTransformer(str(folder), device="cpu").encode(texts, **options)


def test_saving_and_loading_keeps_bits_and_settings(make, texts, tmp_path):
    first = make(prompts=PROMPTS, default_prompt_name="query", similarity_name="dot", max_length=7)
    first.save(tmp_path / "m", metadata={"task": "faq"})
    again = load(tmp_path / "m", device="cpu")
    assert isinstance(again, StaticEncoder)
    assert np.array_equal(again.encode(texts), first.encode(texts))
    assert again.fingerprint() == first.fingerprint()
    assert (again.prompts, again.default_prompt_name, again.similarity_name) == (PROMPTS, "query", "dot")
    assert (again.max_length, again.skip_unknown, again.metadata) == (7, True, {"task": "faq"})
    assert not again.training


@pytest.mark.parametrize("max_length", [None, 4])
def test_sentence_transformers_loads_what_we_save(make, texts, tmp_path, max_length):
    encoder = make(prompts=PROMPTS, max_length=max_length)
    encoder.save(tmp_path / "m")
    np.testing.assert_allclose(by_sentence_transformers(tmp_path / "m", texts), encoder.encode(texts), atol=1e-6)
    theirs = by_sentence_transformers(tmp_path / "m", texts, prompt_name="query")
    np.testing.assert_allclose(theirs, encoder.encode_query(texts), atol=1e-6)


def test_sentence_transformers_loads_other_heads(make, texts, tmp_path):
    encoder = make(Dense(16, 8), Normalize(), skip_unknown=False)
    encoder.save(tmp_path / "m")
    np.testing.assert_allclose(by_sentence_transformers(tmp_path / "m", texts), encoder.encode(texts), atol=1e-6)
    np.testing.assert_allclose(load(tmp_path / "m", device="cpu").encode(texts), encoder.encode(texts), atol=1e-7)


def test_model2vec_loads_what_we_save(make, texts, tmp_path):
    make().save(tmp_path / "m")
    theirs = model2vec().from_pretrained(tmp_path / "m")
    np.testing.assert_allclose(theirs.encode(texts), make().encode(texts), atol=1e-6)
    assert theirs.max_length is None


def test_model2vec_refuses_a_head_that_it_would_pass_over(make, tmp_path):
    make(Dense(16, 8)).save(tmp_path / "m")
    with pytest.raises(Exception, match=r"embedding\.weight"):
        model2vec().from_pretrained(tmp_path / "m")


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("clusters", [None, 20])
def test_we_load_what_model2vec_saves(texts, tmp_path, rng, normalize, clusters):
    tokenizer = tiny_tokenizer().backend_tokenizer
    numbers = rng.standard_normal((clusters or tokenizer.get_vocab_size(), 12)).astype(np.float32)
    size = tokenizer.get_vocab_size()
    weights = rng.random(size).astype(np.float32)
    mapping = rng.integers(clusters, size=size) if clusters else None
    theirs = model2vec()(numbers, tokenizer, weights=weights, token_mapping=mapping, normalize=normalize)
    theirs.save_pretrained(tmp_path / "m")
    ours = load(tmp_path / "m", device="cpu")
    assert ours.max_length == 512
    ours.max_length = None
    np.testing.assert_allclose(ours.encode(texts), theirs.encode(texts, max_length=None), atol=1e-6)
    (tmp_path / "m" / "modules.json").unlink()
    plain = load(tmp_path / "m", device="cpu", max_length=None).encode(texts[:4])
    np.testing.assert_allclose(plain, ours.encode(texts[:4]), atol=1e-7)
    ours.save(tmp_path / "again")
    np.testing.assert_allclose(load(tmp_path / "again", device="cpu").encode(texts), ours.encode(texts), atol=1e-7)


def test_where_model2vec_says_nothing_it_keeps_512_tokens(make, tmp_path):
    make().save(tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    del config["max_length"]
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    (tmp_path / "m" / "accord.json").unlink()
    assert load(tmp_path / "m", device="cpu").max_length == 512


def test_we_load_what_sentence_transformers_saves(texts, tmp_path, generator):
    tokenizer = tiny_tokenizer().backend_tokenizer
    table = torch.randn(tokenizer.get_vocab_size(), 12, generator=generator)
    static = StaticEmbedding(tokenizer, embedding_weights=table)
    SentenceTransformer(modules=[static, TheirNormalize()], prompts=PROMPTS, device="cpu").save(str(tmp_path / "m"))
    ours = load(tmp_path / "m", device="cpu")
    assert (ours.max_length, ours.skip_unknown) == (None, False)
    np.testing.assert_allclose(ours.encode(texts), by_sentence_transformers(tmp_path / "m", texts), atol=1e-6)
    theirs = by_sentence_transformers(tmp_path / "m", texts, prompt_name="query")
    np.testing.assert_allclose(ours.encode_query(texts), theirs, atol=1e-6)


@pytest.mark.parametrize("normalized", [True, False])
def test_int8_keeps_lengths_everywhere(make, known, tmp_path, normalized):
    exact = make() if normalized else StaticEncoder(make().backbone, tiny_tokenizer())
    small = exact.rounded("int8")
    small.save(tmp_path / "m")
    assert load_file(tmp_path / "m" / "model.safetensors")["embeddings"].dtype == torch.int8
    ours = load(tmp_path / "m", device="cpu")
    assert ours.fingerprint() == small.fingerprint()
    np.testing.assert_allclose(ours.encode(known), exact.encode(known), atol=0.02)
    np.testing.assert_allclose(by_sentence_transformers(tmp_path / "m", known), ours.encode(known), atol=1e-6)
    theirs = model2vec().from_pretrained(tmp_path / "m").encode(known)
    np.testing.assert_allclose(theirs, ours.encode(known), atol=1e-6)


def test_int8_without_a_scale_is_said_aloud(known, tmp_path, rng, caplog):
    tokenizer = tiny_tokenizer().backend_tokenizer
    numbers = rng.integers(-127, 128, size=(tokenizer.get_vocab_size(), 8)).astype(np.int8)
    model2vec()(numbers, tokenizer).save_pretrained(tmp_path / "m")
    ours = load(tmp_path / "m", device="cpu")
    ours.max_length = None
    assert "int8 numbers without their scale" in caplog.text
    theirs = model2vec().from_pretrained(tmp_path / "m").encode(known, max_length=None)
    np.testing.assert_allclose(ours.encode(known), theirs, rtol=1e-5, atol=1e-4)


def test_a_rounded_model_that_learns_is_stored_whole_again(make, tmp_path):
    encoder = make().rounded("float16")
    with torch.no_grad():
        encoder.backbone.embeddings[encoder.tokenizer.token_to_id("read")] += 1e-5
    encoder.save(tmp_path / "m")
    assert load_file(tmp_path / "m" / "model.safetensors")["embeddings"].dtype == torch.float32
    assert load(tmp_path / "m", device="cpu").fingerprint() == encoder.fingerprint()


def test_weights_fold_where_old_readers_need_it(make, texts, tmp_path, generator):
    plain = make()
    weights = torch.rand(plain.backbone.tokens, generator=generator)
    encoder = StaticEncoder(TokenTable(plain.backbone.embeddings, weights=weights), tiny_tokenizer(), [Normalize()])
    encoder.save(tmp_path / "m")
    assert set(load_file(tmp_path / "m" / "model.safetensors")) == {"embeddings"}
    np.testing.assert_allclose(load(tmp_path / "m", device="cpu").encode(texts), encoder.encode(texts), atol=1e-6)
    assert table_width(tmp_path / "m") == 16


def test_the_doctor_passes_and_sees_a_change(make, tmp_path):
    make(prompts=PROMPTS).save(tmp_path / "m")
    report = doctor(tmp_path / "m")
    assert report.passed, report.failures
    numbers = load_file(tmp_path / "m" / "model.safetensors")["embeddings"] * -1
    save_file({"embeddings": numbers}, tmp_path / "m" / "model.safetensors")
    found = doctor(tmp_path / "m")
    assert any("model.safetensors is changed" in line for line in found.failures)
    assert any(line.startswith("vectors") for line in found.failures)


def damage(folder, name, content):
    path = folder / name
    path.write_bytes(content) if isinstance(content, bytes) else content(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", lambda path: path.unlink(), "tokenizer.json is missing"),
        ("tokenizer.json", b"{", "tokenizer.json could not be read"),
        ("model.safetensors", b"1234", "damaged or only half written"),
        ("model.safetensors", lambda path: save_file({"x": torch.ones(2)}, path), "neither `embeddings` nor"),
        ("model.safetensors", lambda path: save_file({"embeddings": torch.ones(2, 3)}, path), "does not fit the table"),
    ],
)
def test_a_damaged_folder_is_named(make, tmp_path, name, content, message):
    make().save(tmp_path / "m")
    (tmp_path / "m" / "accord.json").unlink()
    damage(tmp_path / "m", name, content)
    with pytest.raises(ModelError, match=message):
        load(tmp_path / "m", device="cpu")
