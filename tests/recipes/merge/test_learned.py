"""Learned merges of folders: what was found is in the record, and what was written is what was found."""

import json

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder, tiny_encoder_folder

import accord.merging.learned as room
from accord.core.errors import InputError
from accord.encoders import load
from accord.encoders.heads import Dense, Normalize
from accord.merging import merge_folders
from accord.merging.config import ProbeSpec
from accord.merging.folder import read_model
from accord.merging.learned import ATLAS, Fisher, RegMean
from accord.recipes.merge import merge, plan_merge
from accord.recipes.merge.learned import learn_folders, learn_weights, learned_method, learned_names
from accord.recipes.merge.probe_rows import read_probe
from accord.recipes.merge.weight_names import weight_names

QUICK = {"self_positioning": {"steps": 3}, "atlas": {"steps": 3, "partitions": 2}, "adamerging": {"steps": 3}}


def moved(folder, path, seed, scale=0.05):
    """A model near another one, with all its settings."""
    encoder = load(folder)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=generator)
    encoder.save(path)
    return path


@pytest.fixture
def models(job, tmp_path):
    """A base with a head, and two experts named after the tasks of the recipe."""
    base = tiny_encoder_folder(tmp_path / "base", layers=2, heads=[Dense(32, 16), Normalize()])
    return base, [moved(base, tmp_path / name, seed) for seed, name in enumerate(("single-faq", "topic"))]


@pytest.fixture
def spec(job, tmp_path):
    return ProbeSpec(recipe=str(tmp_path / "recipe.yaml"), examples=16, batch=8)


def document(base, experts, name, **more):
    return {
        "merge_method": name,
        "models": [{"model": str(expert)} for expert in experts],
        "base_model": str(base),
        "parameters": QUICK.get(name, {}),
        "probe": {"recipe": "recipe.yaml", "examples": 16, "batch": 8},
        **more,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(learned_names()))
def test_a_merge_file_may_name_it_and_the_folder_has_the_weights_that_were_found(name, models, spec, tmp_path):
    base, experts = models
    done = merge(document(base, experts, name), tmp_path / "out", root=tmp_path)
    (record,) = done.records
    assert record["method"] == name
    assert set(record["learned"]["losses_by_task"]) == {"base", "model 1", "model 2", "merged"}
    assert set(record["learned"]["probe"]["tasks"]) == {"faq", "topic"}
    assert (
        json.loads((tmp_path / "out" / "accord.json").read_text())["metadata"]["merge"]["learned"] == record["learned"]
    )
    first, start = load(experts[0]), load(base).state_dict()
    probe = read_probe(spec).open(first)
    states = [load(expert).state_dict() for expert in experts]
    found = learn_weights(learned_method(name, QUICK.get(name, {})), probe, start, states, tasks=["faq", "topic"])
    written = load(tmp_path / "out").state_dict()
    for tensor, value in found.weights(start, states).items():
        assert torch.allclose(written[tensor], value, atol=1e-6), tensor
    with torch.no_grad():
        told = record["learned"]["losses_by_task"]["merged"]["faq"]
        assert float(probe.task_loss("faq", written)) == pytest.approx(told, abs=1e-5)


@pytest.mark.slow
def test_learning_lowers_the_loss_on_the_probe(models, spec):
    base, experts = models
    found = learn_folders(ATLAS(steps=40, learning_rate=0.1), experts, base=base, probe=spec)
    by_task = found.details["losses_by_task"]
    assert np.mean(list(by_task["merged"].values())) < np.mean(list(by_task["base"].values()))


@pytest.mark.slow
def test_what_was_learned_merges_by_python_too(models, spec, tmp_path):
    base, experts = models
    found = learn_folders(room.LMCocktail(), experts, base=base, probe=spec)
    record = merge_folders(found.method, experts, base=base, out=tmp_path / "out")
    assert sum(found.coefficients["all"]) == pytest.approx(1.0)
    assert record["method"] == "coefficients"
    middle = [sum(w * load(e).state_dict()[n] for w, e in zip(found.coefficients["all"], experts))
              for n in ("heads.0.linear.weight",)]  # fmt: skip
    assert torch.allclose(load(tmp_path / "out").state_dict()["heads.0.linear.weight"], middle[0], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", [Fisher(), RegMean(alpha=0.8)], ids=["fisher", "regmean"])
def test_each_model_is_asked_about_its_own_task(method, models, spec):
    base, experts = models
    named = learn_folders(method, experts, base=base, probe=spec)
    given = learn_folders(method, experts, base=base, probe=spec, tasks=["faq", "topic"])
    crossed = learn_folders(method, experts, base=base, probe=spec, tasks=["topic", "faq"])
    name = "encoder.layer.0.output.dense.weight"
    one, two, three = (found.method.statistics[0][name] for found in (named, given, crossed))
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
    assert not method.statistics


def test_names_of_tensors_are_found_in_the_model(models, tmp_path):
    base, _ = models
    names = weight_names(read_model(base), load(base))
    state = load(base).state_dict()
    assert names["encoder.layer.1.output.dense.bias"] == "backbone.encoder.layer.1.output.dense.bias"
    assert names["1_Dense/linear.weight"] == "heads.0.linear.weight"
    assert {name for name in names.values() if name} == {n for n, t in state.items() if t.is_floating_point()}
    tiny_encoder(layers=1, heads=[Normalize(), Dense(32, 8), Dense(8, 8)]).save(tmp_path / "deep")
    deep = weight_names(read_model(tmp_path / "deep"), load(tmp_path / "deep"))
    assert (deep["1_Dense/linear.bias"], deep["2_Dense/linear.bias"]) == ("heads.1.linear.bias", "heads.2.linear.bias")


@pytest.mark.slow
def test_what_makes_no_sense_is_refused_before_work_starts(models, tmp_path):
    base, experts = models
    out = tmp_path / "out"

    def refused(match, **changes):
        value = document(base, experts, changes.pop("merge_method", "atlas")) | changes
        for call in (lambda: merge(value, out, root=tmp_path), lambda: plan_merge(value, root=tmp_path)):
            with pytest.raises(InputError, match=match):
                call()
        assert not out.exists()

    refused("Did you mean `steps`", parameters={"stps": 3})
    refused("learns from examples. Name a recipe", probe=None)
    refused("no task `fax`", probe={"recipe": "recipe.yaml", "tasks": ["fax"]})
    refused("There is no recipe|no recipe", probe="missing.yaml")
    refused("has no choice of `scope`", scope="row")
    refused("`probe.exampels`", probe={"recipe": "recipe.yaml", "exampels": 3})
    refused("overlaps the evaluation", probe={"recipe": "recipe.yaml", "held_out": ["other.yaml"]},
            base_model=str(other_split(tmp_path, base)))  # fmt: skip
    refused("`task` of .* is for methods that learn", merge_method="task_arithmetic", probe=None, parameters={},
            models=[{"model": str(experts[0]), "task": "faq"}])  # fmt: skip


def other_split(folder, base):
    """Write a recipe of the same data that is divided by another seed."""
    text = (folder / "recipe.yaml").read_text()
    (folder / "other.yaml").write_text("seeds: [7]\n" + text)
    return base


@pytest.mark.slow
def test_tasks_are_checked_against_the_probe(models, spec):
    base, experts = models
    with pytest.raises(InputError, match=r"no task `fac`\. Did you mean `faq`"):
        learn_folders(Fisher(), experts, base=base, probe=spec, tasks=["fac", None])
    with pytest.raises(InputError, match="Give each its own"):
        learn_folders(room.AdaMerging(), [experts[0]] * 2, base=base, probe=spec)
    with pytest.raises(InputError, match="does not learn"):
        learned_method("linear", {})
