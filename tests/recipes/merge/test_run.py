"""Merge files: what each document merges, with which numbers, and what is left on the disk."""

import json
import shutil

import pytest
import yaml
from tiny_families import assert_same, save_family, weights_of
from tiny_models import tiny_encoder

import accord
from accord.core.errors import InputError, ModelError
from accord.merging import merge_state_dicts
from accord.merging.methods import Linear, Slerp, TaskArithmetic, Ties
from accord.recipes.merge import merge, plan_merge


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The folder of three experts and their base: read only."""
    folder = tmp_path_factory.mktemp("family")
    save_family(folder, lambda: tiny_encoder(layers=3, hidden=16))
    return folder


def entry(name, **parameters):
    return {"model": name, **({"parameters": parameters} if parameters else {})}


def document(method, *models, **more):
    return {"merge_method": method, "models": [entry(m) if isinstance(m, str) else m for m in models], **more}


def run(family, out, *documents):
    """The weights of the result, merged without loading it."""
    done = merge(list(documents), out, root=family, load=False)
    assert not list(out.parent.glob(".partial*"))
    return weights_of(done.models[0])


def by_hand(method, family, *names, base=None):
    return merge_state_dicts(method, [weights_of(family / n) for n in names], base and weights_of(family / base))


def test_numbers_of_models_come_before_those_for_all(family, tmp_path):
    found = run(family, tmp_path / "out", document("linear", entry("e0", weight=3), "e1", parameters={"weight": 1}))
    assert_same(found, by_hand(Linear([3, 1]), family, "e0", "e1"))


def test_names_of_parameters_are_those_of_mergekit(family, tmp_path):
    parameters = {"weight": 0.5, "lambda": 0.6, "int8_mask": True}
    found = run(
        family, tmp_path / "out", document("task_arithmetic", "e0", "e1", base_model="base", parameters=parameters)
    )
    assert_same(found, by_hand(TaskArithmetic(0.5, scaling=0.6), family, "e0", "e1", base="base"))


def test_the_base_may_also_be_listed(family, tmp_path):
    models = ("base", entry("e0", weight=1), entry("e1", weight=2))
    found = run(
        family,
        tmp_path / "out",
        document("ties", *models, base_model="base", parameters={"density": 0.5}, scope="tensor"),
    )
    wanted = by_hand(Ties([1, 2], density=0.5, scope="tensor"), family, "e0", "e1", base="base")
    assert_same(found, wanted)


def test_a_method_without_a_base_merges_it_like_the_others(family, tmp_path):
    found = run(
        family, tmp_path / "out", document("linear", entry("e0", weight=1), entry("base", weight=3), base_model="base")
    )
    assert_same(found, by_hand(Linear([3, 1]), family, "base", "e0"))


@pytest.mark.parametrize("models", [("e1", "base"), ("base", "e1"), ("e1",)])
def test_slerp_goes_from_the_base(family, tmp_path, models):
    found = run(family, tmp_path / "out", document("slerp", *models, base_model="base", parameters={"t": 0.25}))
    assert_same(found, by_hand(Slerp(0.25), family, "base", "e1"))


def test_gradients_and_filters_give_each_tensor_its_number(family, tmp_path):
    weight = [{"filter": "attention", "value": [0.0, 1.0]}, {"value": 0.5}]
    found = run(family, tmp_path / "out", document("linear", entry("e0", weight=weight), entry("e1", weight=1)))
    for depth, share in enumerate((0.0, 0.5, 1.0)):
        name = f"encoder.layer.{depth}.attention.self.query.weight"
        assert_same({name: found[name]}, {name: by_hand(Linear([share, 1]), family, "e0", "e1")[name]})
    for name in ("embeddings.word_embeddings.weight", "encoder.layer.2.output.dense.bias"):
        assert_same({name: found[name]}, {name: by_hand(Linear([0.5, 1]), family, "e0", "e1")[name]})


def test_a_slice_of_all_layers_is_the_models(family, tmp_path):
    sources = [{"model": name, "layer_range": [0, 3]} for name in ("base", "e1")]
    spec = {"merge_method": "slerp", "base_model": "base", "slices": [{"sources": sources, "parameters": {"t": 0.5}}]}
    assert_same(run(family, tmp_path / "out", spec), by_hand(Slerp(0.5), family, "base", "e1"))
    for source in sources:
        source["layer_range"] = [0, 2]
    with pytest.raises(InputError, match=r"`layer_range` must be \[0, 3\]"):
        run(family, tmp_path / "no", spec)


def test_a_document_may_name_an_earlier_one(family, tmp_path):
    found = run(
        family,
        tmp_path / "out",
        document("linear", "e0", "e1", name="two"),
        document("linear", entry("two", weight=2), entry("e2", weight=1)),
    )
    assert_same(found, by_hand(Linear(), family, "e0", "e1", "e2"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_results_that_nobody_takes_up_are_kept_under_their_names(family, tmp_path):
    documents = [document("linear", "e0", "e1", name="half"), document("linear", "half", "e2", name="a"),
                 document("slerp", "half", "e2", name="b")]  # fmt: skip
    done = merge(documents, tmp_path / "out", root=family, load=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]
    assert [path.name for path in done.models] == ["a", "b"]
    assert len(done.records) == 3
    del documents[2]["name"]
    with pytest.raises(InputError, match="2 documents give a result of their own"):
        plan_merge(documents, root=family)


def test_the_record_keeps_the_document(family, tmp_path):
    spec = document("task_arithmetic", "e0", "e1", base_model="base", parameters={"weight": 0.5}, seed=4)
    done = accord.merge(spec, tmp_path / "out", root=family)
    kept = json.loads((tmp_path / "out" / "accord.json").read_text())["metadata"]["merge"]
    assert kept["document"] == spec
    assert kept["seed"] == 4
    assert done.records[0]["method"] == "task_arithmetic"
    assert accord.doctor(tmp_path / "out").passed


def test_hashes_may_be_left_out(family, tmp_path):
    spec = document("linear", "e0", "e1")
    done = merge(spec, tmp_path / "out", root=family, load=False, hashes=False)
    assert [row["files"] for row in done.records[0]["models"]] == [{}, {}]
    assert json.loads((tmp_path / "out" / "accord.json").read_text())["files"] == {}
    assert accord.doctor(tmp_path / "out").passed


def test_paths_start_at_the_file(family, tmp_path):
    shutil.copytree(family, tmp_path / "models")
    path = tmp_path / "merge.yaml"
    path.write_text(yaml.safe_dump(document("linear", "models/e0", "models/e1")))
    merge(path, tmp_path / "out", load=False)
    assert_same(weights_of(tmp_path / "out"), by_hand(Linear(), family, "e0", "e1"))


def test_a_plan_says_which_numbers_are_used(family):
    (told,) = plan_merge(document("ties", "e0", "e1", base_model="base", parameters={"weight": [0.5, 1]}), root=family)
    rows = {row["parameter"]: (row["value"], row["given"]) for row in told["parameters"]}
    assert rows["weight"] == ("0.5 to 1", True)
    assert rows["density"] == (0.2, False)
    assert rows["scope"] == ("global", False)
    assert any("`density` is not given: 0.2" in note and "mergekit takes 1" in note for note in told["notes"])
    assert told["models"] == ["e0", "e1"]
    assert told["memory"] > 0


REFUSED = [
    (document("tiess", "e0", base_model="base"), "`merge_method` 'tiess' is not known. Did you mean `ties`?"),
    (document("ties", "e0", "e1"), "`ties` needs the model that the others come from"),
    (document("ties", "base", base_model="base"), "no model but the base"),
    (document("slerp", "e0", "e1", "e2"), "`slerp` merges 2 models. Got 3."),
    (document("ties", "e0", base_model="base", parameters={"density": 0}), "`density` must lie in (0, 1]. Got 0"),
    (document("ties", "e0", base_model="base", parameters={"density": 1.5}), "`density` must lie in (0, 1]. Got 1.5"),
    (
        document("ties", "e0", base_model="base", parameters={"desity": 0.5}),
        "`desity`. Did you mean `density`?",
    ),
    (document("ties", entry("e0", normalize=True), base_model="base"), "`normalize` of `ties` is one for all models"),
    (document("linear", entry("e0", weight=1), entry("e1", weight=-1)), "`weights` sum to zero"),
    (document("linear", entry("e0", weight=[1, 0]), entry("e1", weight=[1, 0])), "(for encoder.layer.2."),
    (document("linear", entry("e0", weight=1), "e1"), "e0 has a `weight`, and e1 has none"),
    (document("linear", "e0", "e1", scope="row"), "`linear` has no choice of `scope`"),
    (document("linear", "e0", "e1", probe="x"), "`linear` does not look at examples"),
    (document("self_positioning", "e0", base_model="base"), "`self_positioning` learns from examples"),
    (
        document("linear", entry("e0", weight=[{"filter": "mlp", "value": 1}, {"value": 2}]), entry("e1", weight=1)),
        "the filter 'mlp' fits no tensor",
    ),
    (document("linear", "e0", "./elsewhere"), "does not exist"),
]


@pytest.mark.parametrize(("spec", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_cannot_be_merged_is_refused_before_anything_is_written(family, tmp_path, spec, message):
    with pytest.raises((InputError, ModelError)) as caught:
        merge(spec, tmp_path / "deep" / "out", root=family)
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_later_document_is_checked_before_the_first_is_merged(family, tmp_path):
    documents = [document("linear", "e0", "e1", name="two"), document("ties", "two", base_model="./none")]
    with pytest.raises(ModelError, match="does not exist"):
        merge(documents, tmp_path / "out", root=family)
    assert not list(tmp_path.iterdir())


def test_a_failure_on_the_way_leaves_nothing(family, tmp_path):
    shutil.copytree(family, tmp_path / "models")
    path = tmp_path / "models" / "e2" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-4:] = b"\x00\x00\xc0\x7f"
    path.write_bytes(data)
    documents = [document("linear", "e0", "e1", name="two"), document("linear", "two", "e2")]
    with pytest.raises(InputError, match="NaN"):
        merge(documents, tmp_path / "out", root=tmp_path / "models")
    assert [each.name for each in tmp_path.iterdir()] == ["models"]
