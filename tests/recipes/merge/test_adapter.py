"""A merge file of adapters as one adapter: what folding it gives is what merging the models gives."""

import json

import pytest
import torch
import yaml
from tiny_models import tiny_encoder, tiny_encoder_folder

from accord.cli.main import main
from accord.core.errors import InputError
from accord.encoders import load
from accord.encoders.adapters import attach, load_adapter, save_adapter
from accord.recipes.merge import merge
from accord.recipes.merge.adapter import merge_to_adapter


@pytest.fixture
def folder(tmp_path):
    """A base, two adapters on it, and a place for merge files."""
    tiny_encoder_folder(tmp_path / "base")
    for seed, name in enumerate(("one", "two")):
        adapter = attach(tiny_encoder(), rank=2, alpha=4.0, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in adapter.layers.values():
                layer.up.copy_(torch.randn(layer.up.shape, generator=generator) / 2)
        save_adapter(adapter, tmp_path / name, base_name=str(tmp_path / "base"))
    return tmp_path


def write(folder, **changes):
    models = [
        {"model": "base+one", "parameters": {"weight": 0.7}},
        {"model": "base+two", "parameters": {"weight": 0.2}},
    ]
    value = {"merge_method": "task_arithmetic", "base_model": "base", "models": models} | changes
    path = folder / "merge.yaml"
    path.write_text(yaml.safe_dump({key: part for key, part in value.items() if part is not None}))
    return path


def weights(path, adapter=None):
    encoder = load(path, device="cpu")
    if adapter is not None:
        load_adapter(encoder, adapter).fold()
    return encoder.state_dict()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"merge_method": "linear", "base_model": None},
        {"merge_method": "ties", "scope": "tensor", "parameters": {"density": 0.4}},
        {"parameters": {"lambda": [0.2, 1.0]}},
        {"merge_method": "nuslerp", "base_model": None},
    ],
    ids=["sum", "mean", "ties", "by layer", "arc"],
)
def test_folded_it_is_the_merge_of_the_models(folder, changes):
    file = write(folder, **changes)
    rank = None if changes.get("merge_method", "linear") == "linear" else 32
    done = merge_to_adapter(file, folder / "adapter", rank=rank)
    merge(file, folder / "model", load=False)
    assert done.energy == pytest.approx(1)
    found, wanted = weights(folder / "base", folder / "adapter"), weights(folder / "model")
    for name, weight in wanted.items():
        torch.testing.assert_close(found[name], weight, rtol=0, atol=2e-5)


def test_what_is_no_merge_of_adapters_is_refused(folder):
    tiny_encoder_folder(folder / "other")
    mixed = [{"model": "base+one", "parameters": {"weight": 1}}, {"model": "other", "parameters": {"weight": 1}}]
    with pytest.raises(InputError, match="other is a whole model"):
        merge_to_adapter(write(folder, models=mixed), folder / "out")
    strangers = [
        {"model": "base+one", "parameters": {"weight": 1}},
        {"model": "other+two", "parameters": {"weight": 1}},
    ]
    with pytest.raises(InputError, match="have different bases"):
        merge_to_adapter(write(folder, models=strangers), folder / "out")
    with pytest.raises(InputError, match="makes changes of full rank"):
        merge_to_adapter(write(folder, merge_method="ties"), folder / "out")
    assert not (folder / "out").exists()


def run(arguments, capsys):
    code = 0
    try:
        main([str(word) for word in arguments])
    except SystemExit as stop:
        code = stop.code or 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_line(folder, capsys):
    file = write(folder)
    code, out, _ = run(["merge", file, "--out", folder / "out", "--adapter", "--rank", "3", "--json"], capsys)
    told = json.loads(out)
    assert code == 0 and 0.5 < told["energy"] < 1 and len(told["parents"]) == 2
    assert json.loads((folder / "out" / "adapter_config.json").read_text())["r"] == 3
    code, _, err = run(["merge", file, "--out", folder / "again", "--rank", "3"], capsys)
    assert code == 2 and "`--rank` is of an adapter" in err and not (folder / "again").exists()
    code, out, _ = run(["merge", file, "--out", folder / "again", "--adapter"], capsys)
    assert code == 0 and "100.00% of the merged change kept" in " ".join(out.split())
