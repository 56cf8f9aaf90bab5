"""What adapters are read, and what is refused with its reason."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_encoder_folder

from accord.core.errors import InputError, ModelError
from accord.encoders import load
from accord.merging import Linear
from accord.merging.folder import read_model
from accord.merging.folders import merge_folders
from accord.merging.low_rank import changes_of, check_base, merge_adapters, read_adapter
from accord.merging.low_rank.digest import backbone_digest
from accord.merging.weight_files import read_weights


def changed(path, tensors=None, **config):
    """The adapter as a program without fingerprints would have written it, with some settings changed."""
    (path / "accord-adapter.json").unlink()
    whole = json.loads((path / "adapter_config.json").read_text()) | config
    (path / "adapter_config.json").write_text(json.dumps(whole))
    if tensors is not None:
        save_file(tensors, path / "adapter_model.safetensors")
    return path


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"use_dora": True}, "`use_dora`"),
        ({"bias": "lora_only"}, "`bias`"),
        ({"lora_bias": True}, "`lora_bias`"),
        ({"modules_to_save": ["pooler"]}, "`modules_to_save`"),
        ({"kasa_config": {"beta": 1}}, "`kasa_config`"),
        ({"init_lora_weights": "pissa_niter_4"}, "changes the base as well"),
        ({"r": 8}, "has rank 3, and adapter_config.json says 8"),
        ({"rank_pattern": {"[": 4}}, "which is no pattern"),
    ],
)
def test_what_is_no_sum_of_low_rank_products_is_refused(make, tmp_path, config, words):
    path = changed(make("a"), **config)
    with pytest.raises(ModelError, match=words):
        merge_adapters(Linear(), [path], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("base_model.model.encoder.layer.0.attention.self.query.lora_magnitude_vector", (32,), "it is a DoRA"),
        ("base_model.model.embeddings.word_embeddings.lora_embedding_A", (2, 5), "a token table"),
        ("base_model.model.encoder.layer.0.attention.self.query.bias", (32,), "biases"),
        ("base_model.model.pooler.dense.weight", (32, 32), "must hold pairs"),
        ("base_model.model.encoder.layer.0.output.dense.lora_A.weight", (3, 64), "do not fit together"),
    ],
)
def test_tensors_beside_the_pairs_are_refused(make, name, shape, words):
    path = make("a")
    tensors = load_file(path / "adapter_model.safetensors") | {name: torch.zeros(shape)}
    with pytest.raises(ModelError, match=words):
        read_adapter(changed(path, tensors))


def test_damage_is_named(make, tmp_path):
    path = make("a")
    weights = path / "adapter_model.safetensors"
    shutil.copytree(path, tmp_path / "cut")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    with pytest.raises(ModelError, match="was changed after it was saved"):
        read_adapter(path)
    (path / "accord-adapter.json").unlink()
    with pytest.raises(ModelError, match="half written"):
        read_adapter(path)
    with pytest.raises(ModelError, match="holds no adapter"):
        read_adapter(tmp_path)


def test_nan_is_refused(make, tmp_path):
    path = make("a")
    tensors = load_file(path / "adapter_model.safetensors")
    next(iter(tensors.values()))[0, 0] = float("nan")
    with pytest.raises(InputError, match="NaN or infinity"):
        merge_adapters(Linear(), [changed(path, tensors)], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_changes_find_their_weights_and_come_by_rows(make):
    adapter = read_adapter(make("a"))
    names = [f"bert.{layer}.weight" for layer in adapter.scales] + ["bert.pooler.dense.weight"]
    found = changes_of(adapter, names)
    assert len(found) == len(adapter.scales)
    for name, change in found.items():
        whole = change.rows()
        assert whole.shape == change.shape == (32, 32)
        torch.testing.assert_close(whole, adapter.change(name.removeprefix("bert.").removesuffix(".weight")))
        torch.testing.assert_close(change.rows(5, 9), whole[5:9])
    with pytest.raises(InputError, match="which this base has 0 times"):
        changes_of(adapter, names[1:])


def test_the_base_is_known_by_its_files(make, base, tmp_path):
    adapter = read_adapter(make("a"))
    weights = read_weights(base)
    assert backbone_digest(base, weights) == adapter.base
    check_base(adapter, base, weights)
    strange = tiny_encoder_folder(tmp_path / "strange", seed=9)
    with pytest.raises(InputError, match="Name the base that it was trained"):
        check_base(adapter, strange, read_weights(strange))
    with pytest.raises(InputError, match="Name the base that it was trained"):
        read_model(f"{strange}+{adapter.path}")
    assert read_model(f"{base}+{adapter.path}").changes.keys() == {f"{layer}.weight" for layer in adapter.scales}


def test_names_that_are_not_the_backbones_say_nothing(make, base):
    weights = {f"other_{name}": stored for name, stored in read_weights(base).items()}
    assert backbone_digest(base, weights) is None
    check_base(read_adapter(make("a")), base, weights)


def test_models_with_adapters_merge_as_the_adapters_do(make, base, tmp_path):
    paths = [make("a"), make("b", seed=1)]
    merge_adapters(Linear(), paths, out=tmp_path / "one", form="model")
    merge_folders(Linear(), [f"{base}+{path}" for path in paths], out=tmp_path / "two")
    first, second = (load(tmp_path / name, device="cpu").state_dict() for name in ("one", "two"))
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=0, atol=1e-6)
