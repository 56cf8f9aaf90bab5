"""Adapters merged exactly: beside the plain sum of their changes, beside peft, and beside folded models."""

import json
import logging

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from tiny_models import tiny_encoder, tiny_encoder_folder

from accord.core.errors import InputError
from accord.encoders import load
from accord.encoders.adapters import load_adapter
from accord.merging import Linear, merge_state_dicts
from accord.merging.low_rank import merge_adapters, read_adapter
from accord.merging.methods import Slerp, TaskArithmetic, Ties

TEXTS = ["read a file", "the row of the list", "two three"]
PEFT = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*", "ignore::UserWarning:peft.*")


def changes(path):
    """Every layer's change, in float64, from the file and the definition alone."""
    config = json.loads((path / "adapter_config.json").read_text())
    tensors = load_file(path / "adapter_model.safetensors")
    scale = config["lora_alpha"] / (config["r"] ** 0.5 if config["use_rslora"] else config["r"])
    names = [name.removesuffix(".lora_A.weight") for name in tensors if name.endswith(".lora_A.weight")]
    return {
        name.removeprefix("base_model.model."): scale
        * tensors[f"{name}.lora_B.weight"].double()
        @ tensors[f"{name}.lora_A.weight"].double()
        for name in names
    }


def close(found, wanted, tolerance=1e-6):
    assert found.keys() == wanted.keys()
    for layer, change in wanted.items():
        torch.testing.assert_close(found[layer].double(), change.double(), rtol=0, atol=tolerance * change.abs().max())


@pytest.mark.parametrize("rslora", [False, True])
def test_one_adapter_at_weight_one_is_itself_bit_for_bit(make, tmp_path, rslora):
    path = make("a", rank=5, alpha=7.0, rslora=rslora)
    done = merge_adapters(Linear(), [path], out=tmp_path / "out")
    before, after = (load_file(p / "adapter_model.safetensors") for p in (path, tmp_path / "out"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    close(changes(tmp_path / "out"), changes(path), 1e-12)
    assert (done.energy, done.shrinkage) == (1.0, 1.0)


@PEFT
def test_peft_reads_the_identity_of_an_rslora_and_gives_equal_vectors(make, base, tmp_path):
    peft = pytest.importorskip("peft")
    path = make("a", rank=4, alpha=6.0, rslora=True)
    merge_adapters(Linear(), [path], out=tmp_path / "out")
    vectors = []
    for folder in (path, tmp_path / "out"):
        encoder = load(base, device="cpu")
        encoder.backbone = peft.PeftModel.from_pretrained(encoder.backbone, str(folder)).merge_and_unload()
        vectors.append(encoder.encode(TEXTS))
    np.testing.assert_array_equal(*vectors)
    assert np.abs(vectors[0] - load(base, device="cpu").encode(TEXTS)).max() > 0.05


def test_a_weighted_sum_is_the_sum_of_the_changes(make, tmp_path):
    first = make("a", rank=3, alpha=6.0)
    second = make("b", rank=5, alpha=2.0, rslora=True, seed=1, targets=["query", "intermediate.dense"])
    merge_adapters(TaskArithmetic([0.7, -0.4]), [first, second], out=tmp_path / "out")
    one, two = changes(first), changes(second)
    wanted = {n: 0.7 * one.get(n, 0) - 0.4 * two.get(n, 0) for n in {**one, **two}}
    close(changes(tmp_path / "out"), wanted)


def test_a_mean_of_factors_would_not_be_the_mean_of_the_changes(make):
    one, two = (read_adapter(make(name, seed=seed)) for seed, name in enumerate("ab"))
    layer = next(iter(one.scales))
    (up, down), (other_up, other_down) = one.factors(layer), two.factors(layer)
    crossed = one.scales[layer] * (up + other_up) @ (down + other_down) / 4
    assert torch.dist(crossed, (one.change(layer) + two.change(layer)) / 2) > 0.1 * one.change(layer).norm()


@PEFT
def test_beside_pefts_concatenation(make, base, tmp_path):
    peft = pytest.importorskip("peft")
    first, second = make("a", alpha=6.0), make("b", seed=1, rank=3, alpha=6.0)
    merge_adapters(Linear([0.6, 0.4]), [first, second], out=tmp_path / "out")
    encoder = load(base, device="cpu")
    model = peft.PeftModel.from_pretrained(encoder.backbone, str(first), adapter_name="one")
    model.load_adapter(str(second), adapter_name="two")
    model.add_weighted_adapter(["one", "two"], [0.6, 0.4], "both", combination_type="cat")
    model.set_adapter("both")
    encoder.backbone = model.merge_and_unload()
    ours = load(base, device="cpu")
    load_adapter(ours, tmp_path / "out").fold()
    np.testing.assert_allclose(ours.encode(TEXTS), encoder.encode(TEXTS), atol=2e-6)


@PEFT
def test_ranks_and_scales_by_layer_are_read_as_peft_reads_them(base, tmp_path):
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(
        r=2,
        lora_alpha=5,
        target_modules=["query", "value"],
        init_lora_weights=False,
        rank_pattern={r"layer.0.attention.self.query": 4, "value": 3},
        alpha_pattern={"value": 11},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = peft.get_peft_model(tiny_encoder().backbone, config)
    model.save_pretrained(tmp_path / "theirs")
    found = read_adapter(tmp_path / "theirs")
    layer = "encoder.layer.0.attention.self"
    assert (found.rank(f"{layer}.query"), found.rank(f"{layer}.value")) == (4, 3)
    assert found.rank("encoder.layer.1.attention.self.query") == 2
    for name, scale in found.scales.items():
        module = model.get_submodule(f"base_model.model.{name}")
        assert scale == pytest.approx(module.scaling["default"])
        torch.testing.assert_close(found.change(name), module.get_delta_weight("default").detach())
    merge_adapters(Linear(), [tmp_path / "theirs"], out=tmp_path / "out", base=base)
    encoder = load(base, device="cpu")
    load_adapter(encoder, tmp_path / "out").fold()
    theirs = load(base, device="cpu")
    theirs.backbone = model.merge_and_unload()
    np.testing.assert_allclose(encoder.encode(TEXTS), theirs.encode(TEXTS), atol=1e-6)


def test_a_cut_keeps_the_largest_singular_values_and_says_how_much(make, tmp_path):
    paths = [make("a"), make("b", seed=1)]
    done = merge_adapters(Linear(), paths, out=tmp_path / "out", rank=2)
    one, two = map(changes, paths)
    kept = total = 0.0
    found = changes(tmp_path / "out")
    for layer in done.layers:
        u, values, v = torch.linalg.svd((one[layer.layer] + two[layer.layer]) / 2)
        wanted = (u[:, :2] * values[:2]) @ v[:2]
        torch.testing.assert_close(found[layer.layer], wanted, rtol=0, atol=1e-6)
        energy = values[:2].square().sum() / values.square().sum()
        assert layer.energy == pytest.approx(float(energy), abs=1e-7)
        assert layer.norm == pytest.approx(float(values.norm()), rel=1e-6)
        kept, total = kept + values[:2].square().sum(), total + values.square().sum()
    assert done.energy == pytest.approx(float(kept / total), abs=1e-7)
    assert 0.5 < done.energy < 1
    record = json.loads((tmp_path / "out" / "accord-adapter.json").read_text())["merge"]
    assert record["energy"] == done.energy and record["method"] == "Linear" and len(record["parents"]) == 2


def test_a_rank_above_the_sum_of_the_ranks_loses_nothing(make, tmp_path):
    paths = [make("a"), make("b", seed=1)]
    done = merge_adapters(Linear(), paths, out=tmp_path / "out", rank=20)
    assert done.energy == pytest.approx(1)
    merge_adapters(Linear(), paths, out=tmp_path / "exact")
    close(changes(tmp_path / "out"), changes(tmp_path / "exact"))


@pytest.mark.parametrize("method", [Ties(density=0.3, scope="tensor"), Ties(density=0.3, scope="global")])
def test_other_methods_see_whole_changes(make, base, tmp_path, method):
    paths = [make("a"), make("b", seed=1)]
    deltas = [{n: c.float() for n, c in changes(path).items()} for path in paths]
    wanted = merge_state_dicts(method, deltas, {n: torch.zeros_like(c) for n, c in deltas[0].items()})
    done = merge_adapters(method, paths, out=tmp_path / "model", form="model")
    encoder, before = load(done.path, device="cpu"), load(base, device="cpu")
    for layer, change in wanted.items():
        found = encoder.backbone.get_submodule(layer).weight - before.backbone.get_submodule(layer).weight
        torch.testing.assert_close(found.detach(), change, rtol=0, atol=1e-6)
    cut = merge_adapters(method, paths, out=tmp_path / "adapter", rank=8)
    assert 0.3 < cut.energy < 1
    with pytest.raises(InputError, match=r"makes changes of full rank\. Give a `rank`"):
        merge_adapters(method, paths, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_whole_weights_are_another_merge_than_changes(make, base, tmp_path):
    paths = [make("a"), make("b", seed=1)]
    encoder = load(base, device="cpu")
    weights = {n: encoder.backbone.get_submodule(n).weight.detach() for n in changes(paths[0])}
    experts = [{n: weights[n] + c.float() for n, c in changes(path).items()} for path in paths]
    wanted = merge_state_dicts(Slerp(t=0.3), experts)
    merge_adapters(Slerp(t=0.3), paths, out=tmp_path / "model", form="model", of="weights")
    merged = load(tmp_path / "model", device="cpu")
    for layer, weight in wanted.items():
        torch.testing.assert_close(merged.backbone.get_submodule(layer).weight.detach(), weight, rtol=0, atol=1e-6)
    merge_adapters(Linear([1, 1], normalize=False), paths, out=tmp_path / "sum", form="model", of="weights")
    doubled = load(tmp_path / "sum", device="cpu")
    for layer in weights:
        found = doubled.backbone.get_submodule(layer).weight.detach()
        torch.testing.assert_close(found, experts[0][layer] + experts[1][layer], rtol=0, atol=1e-5)


def test_a_folded_model_loads_everywhere_and_equals_the_adapter(make, base, tmp_path):
    paths = [make("a"), make("b", seed=1)]
    merge_adapters(Linear(), paths, out=tmp_path / "model", form="model")
    merge_adapters(Linear(), paths, out=tmp_path / "adapter")
    encoder = load(base, device="cpu")
    load_adapter(encoder, tmp_path / "adapter").fold()
    wanted = encoder.encode(TEXTS)
    np.testing.assert_allclose(load(tmp_path / "model", device="cpu").encode(TEXTS), wanted, atol=1e-6)
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(theirs, wanted, atol=1e-6)


def test_a_mean_of_strangers_shrinks_and_that_is_said(make, tmp_path, caplog):
    paths = [make(f"a{seed}", seed=seed, rank=1) for seed in range(6)]
    with caplog.at_level(logging.WARNING):
        done = merge_adapters(Linear(), paths, out=tmp_path / "out")
    assert done.shrinkage == pytest.approx(6**-0.5, rel=0.15)
    assert "times as long" in caplog.text


def test_adapters_of_different_bases_are_refused(make, base, tmp_path):
    path = make("a")
    other = make("b", seed=1)
    record = json.loads((other / "accord-adapter.json").read_text()) | {"base": "0" * 64}
    (other / "accord-adapter.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="Merge adapters of one base"):
        merge_adapters(Linear(), [path, other], out=tmp_path / "out")
    (other / "accord-adapter.json").unlink()
    config = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": "some/base"}))
    with pytest.raises(InputError, match="names some/base"):
        merge_adapters(Linear(), [path, other], out=tmp_path / "out")
    strange = tiny_encoder_folder(tmp_path / "strange", seed=9)
    with pytest.raises(InputError, match="Give the base that it was trained on"):
        merge_adapters(Linear(), [path], out=tmp_path / "out", base=strange)
    wider = tiny_encoder_folder(tmp_path / "wider", hidden=64)
    (path / "accord-adapter.json").unlink()
    with pytest.raises(InputError, match="has the shape"):
        merge_adapters(Linear(), [path], out=tmp_path / "out", base=wider, form="model")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over_something_else(make, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    for form in ("adapter", "model"):
        with pytest.raises(InputError, match="holds something else"):
            merge_adapters(Linear(), [make("a")], out=tmp_path / "full", form=form)
    with pytest.raises(InputError, match="`adapters` is empty"):
        merge_adapters(Linear(), [], out=tmp_path / "out")
    with pytest.raises(InputError, match="merges 2 models"):
        merge_adapters(Slerp(t=0.5), [make("a")], out=tmp_path / "out", rank=2)
