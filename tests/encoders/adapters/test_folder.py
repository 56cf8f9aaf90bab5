"""Adapters on disk, ours and peft's."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_encoder

from accord.core.errors import InputError, ModelError
from accord.encoders.adapters import load_adapter, save_adapter

TEXTS = ["read a file", "the row of the list", "two three"]
PEFT = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*", "ignore::UserWarning:peft.*")


@pytest.fixture
def saved(adapted, tmp_path):
    """A folder with an adapter, and the vectors of the encoder that wore it."""
    encoder, adapter = adapted(rslora=True)
    save_adapter(adapter, tmp_path / "a", base_name="tiny/base")
    return tmp_path / "a", encoder.encode(TEXTS)


def test_read_back_it_does_the_same(saved):
    path, wanted = saved
    encoder = tiny_encoder()
    adapter = load_adapter(encoder, path)
    assert np.array_equal(encoder.encode(TEXTS), wanted)
    assert (adapter.rank, adapter.alpha, adapter.rslora) == (3, 6.0, True)
    adapter.fold()
    np.testing.assert_allclose(encoder.encode(TEXTS), wanted, atol=1e-6)


def test_the_files_are_those_of_peft(saved):
    path, _ = saved
    config = json.loads((path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny/base"
    assert (config["peft_type"], config["r"], config["lora_alpha"], config["use_rslora"]) == ("LORA", 3, 6.0, True)
    assert "attention.self.query" in config["target_modules"]
    tensors = load_file(path / "adapter_model.safetensors")
    assert len(tensors) == 24
    assert "base_model.model.encoder.layer.0.attention.self.query.lora_A.weight" in tensors


@PEFT
def test_peft_reads_ours(saved):
    peft = pytest.importorskip("peft")
    path, wanted = saved
    encoder = tiny_encoder()
    encoder.backbone = peft.PeftModel.from_pretrained(encoder.backbone, str(path)).merge_and_unload()
    np.testing.assert_allclose(encoder.encode(TEXTS), wanted, atol=1e-6)


@PEFT
def test_we_read_what_peft_wrote(tmp_path):
    peft = pytest.importorskip("peft")
    encoder = tiny_encoder()
    config = peft.LoraConfig(r=2, lora_alpha=5, target_modules=["query", "value"], init_lora_weights=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = peft.get_peft_model(encoder.backbone, config)
    model.save_pretrained(str(tmp_path / "a"))
    encoder.backbone = model.merge_and_unload()
    ours = tiny_encoder()
    load_adapter(ours, tmp_path / "a")
    np.testing.assert_allclose(ours.encode(TEXTS), encoder.encode(TEXTS), atol=1e-6)


def test_an_adapter_of_another_base_is_refused(saved, tmp_path):
    path, _ = saved
    with pytest.raises(ModelError, match=r"belongs to tiny/base .* Load the base"):
        load_adapter(tiny_encoder(seed=1), path)
    (path / "accord-adapter.json").unlink()  # as peft writes it: only names and shapes can tell
    load_adapter(tiny_encoder(seed=1), path)
    with pytest.raises(ModelError, match=r"needs matrices of the shapes \(3, 16\) and \(16, 3\)"):
        load_adapter(tiny_encoder(hidden=16), path)
    with pytest.raises(ModelError, match=r"no linear layer `encoder\.layer\.2"):
        load_adapter(tiny_encoder(layers=2), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peft_type": "IA3"}, "`peft_type` must be LORA"),
        ({"use_dora": True}, "`use_dora` = True is not supported"),
        ({"rank_pattern": {"query": 4}}, "`rank_pattern`"),
        ({"r": None}, "`r` must be a number"),
    ],
)
def test_other_kinds_are_refused(saved, change, message):
    path, _ = saved
    (path / "accord-adapter.json").unlink()
    config = json.loads((path / "adapter_config.json").read_text()) | change
    (path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=message):
        load_adapter(tiny_encoder(), path)


def test_damage_is_named(saved):
    path, _ = saved
    weights = path / "adapter_model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(weights).items()}
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match="was changed after it was saved"):
        load_adapter(tiny_encoder(), path)
    (path / "accord-adapter.json").unlink()
    with pytest.raises(ModelError, match="damaged or only half written"):
        load_adapter(tiny_encoder(), path)
    save_file({name: t for name, t in tensors.items() if "lora_A" in name}, weights)
    with pytest.raises(ModelError, match="pairs of lora_A and lora_B"):
        load_adapter(tiny_encoder(), path)
    weights.unlink()
    with pytest.raises(ModelError, match="is missing"):
        load_adapter(tiny_encoder(), path)
    shutil.rmtree(path)
    with pytest.raises(ModelError, match=r"adapter_config\.json is missing"):
        load_adapter(tiny_encoder(), path)


def test_only_an_adapter_is_replaced(adapted, tmp_path):
    _, adapter = adapted()
    save_adapter(adapter, tmp_path / "a")
    save_adapter(adapter, tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="something else than an adapter"):
        save_adapter(adapter, tmp_path / "b")
    adapter.fold()
    with pytest.raises(InputError, match="folded or taken off"):
        save_adapter(adapter, tmp_path / "c")
