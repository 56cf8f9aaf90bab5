"""What a merge is refused for, before any weight is read, and what a plan says."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file
from tiny_families import rewrite
from tiny_models import tiny_encoder_folder

from accord.core.errors import InputError, ModelError
from accord.encoders.heads import Dense, Normalize
from accord.encoders.pooling import Cls
from accord.merging.folder import read_model
from accord.merging.methods import DareLinear, Linear, TaskArithmetic, Ties
from accord.merging.plan import Use, plan_merge


def plan(paths, base=None, method=None, **options):
    use = Use([read_model(path) for path in paths], None if base is None else read_model(base), **options)
    return plan_merge(use, method or Linear())


def configure(folder, name, **changes):
    """Change a configuration; None takes a key away."""
    path = folder / name
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    (folder / "accord.json").unlink(missing_ok=True)


def test_a_plan_counts_what_there_is(shared_family):
    *experts, base = shared_family
    found = plan(experts, base, Ties())
    stored = (experts[0] / "model.safetensors").stat().st_size
    assert len(found.tensors) == len(read_model(base).tensors)
    assert abs(found.bytes_written - stored) < 20_000
    assert found.bytes_read == 3 * 4 * found.bytes_written  # two surveys over all of four models, and the merge
    assert plan(experts, base, TaskArithmetic()).bytes_read == 4 * found.bytes_written
    told = found.describe(2)
    assert json.loads(json.dumps(told)) == told
    assert told["memory"] > 0
    assert found.left_out == {}


def test_memory_does_not_grow_with_the_model(shared_family):
    found = plan(shared_family[:2])
    assert max(tensor.piece for tensor in found.tensors) <= 1 << 18
    assert all(tensor.piece % (tensor.elements // tensor.shape[0]) == 0 for tensor in found.tensors)


def test_the_base_is_asked_for(shared_family):
    with pytest.raises(InputError, match="`ties` needs the model that the others come from"):
        plan(shared_family[:2], None, Ties())
    with pytest.raises(InputError, match="no model to merge"):
        plan([])


SETTINGS = {
    "config.json": {
        "num_attention_heads": 2,
        "hidden_act": "relu",
        "model_type": "roberta",
        "vocab_size": 999,
        "layer_norm_eps": 0.1,
    },
    "config_sentence_transformers.json": {"similarity_fn_name": "dot", "prompts": {"query": "ask: "}},
    "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": True},
    "1_Pooling/config.json": {"pooling_mode_cls_token": True, "include_prompt": False},
}


@pytest.mark.parametrize(
    ("file", "key"), [(file, key) for file, changes in SETTINGS.items() for key in changes], ids=lambda value: value
)
def test_settings_that_differ_are_refused_by_name(family, file, key):
    configure(family[1], file, **{key: SETTINGS[file][key]})
    with pytest.raises(InputError, match=rf"differs: .*{family[0].name} has .*, and .*{family[1].name} has"):
        plan(family[:2])


def test_settings_that_do_not_matter_may_differ(family):
    changes = {"transformers_version": "4.1", "_name_or_path": "x", "hidden_dropout_prob": 0.3, "use_cache": True}
    configure(family[1], "config.json", **changes)
    assert plan(family[:2]).tensors


def test_prompts_may_be_joined_but_not_contradict(family):
    one, two, three, base = family
    configure(one, "config_sentence_transformers.json", prompts={"query": "ask: "})
    configure(two, "config_sentence_transformers.json", prompts={"document": "read: ", "query": ""})
    with pytest.raises(InputError, match="set `prompts: union`"):
        plan([one, two])
    assert plan([one, two], prompts="union").result("x").traits["prompts"] == {"query": "ask: ", "document": "read: "}
    configure(three, "config_sentence_transformers.json", prompts={"query": "find: "})
    with pytest.raises(InputError, match="the prompt `query` differs"):
        plan([one, three], prompts="union")
    assert any("prompts" in note for note in plan([one], base).notes)
    configure(base, "config_sentence_transformers.json", prompts={"query": "find: "})
    with pytest.raises(InputError, match="the prompt `query` differs"):
        plan([one], base)


def test_another_vocabulary_is_refused(family):
    path = family[1] / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    words = tokenizer["model"]["vocab"]
    words["the"], words["of"] = words["of"], words["the"]
    path.write_text(json.dumps(tokenizer))
    (family[1] / "accord.json").unlink()
    with pytest.raises(InputError, match=r"tokenizers of .* differ in model"):
        plan(family[:2])


def test_a_tokenizer_may_be_written_in_other_words(family):
    path = family[1] / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["truncation"] = {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    path.write_text(json.dumps(tokenizer, indent=3))
    (family[1] / "accord.json").unlink()
    assert plan(family[:2]).tensors


@pytest.mark.parametrize("other", ["pooling", "heads", "missing head", "dense", "width", "depth"])
def test_models_built_otherwise_are_refused(shared_family, tmp_path, other):
    size = {"layers": 2, "hidden": 16}
    options = {
        "pooling": {"pooling": [Cls()]},
        "heads": {"heads": [Dense(16, 16), Normalize()]},
        "missing head": {"heads": []},
        "dense": {"heads": [Dense(16, 8)]},
        "width": {"hidden": 32},
        "depth": {"layers": 3},
    }
    odd = tiny_encoder_folder(tmp_path / "odd", **(size | options[other]))
    with pytest.raises(InputError, match="differs"):
        plan([shared_family[0], odd])
    with pytest.raises(InputError, match="differs"):
        plan([shared_family[0]], odd)


def test_a_missing_tensor_and_another_shape_are_refused(family):
    one, two, three, _ = family
    rewrite(two, lambda weights: weights.pop("encoder.layer.1.output.dense.bias"))
    with pytest.raises(InputError, match=r"e1 lacks the tensor `encoder.layer.1.output.dense.bias`"):
        plan([one, two])
    rewrite(three, lambda weights: weights.update({"embeddings.LayerNorm.bias": torch.zeros(15)}))
    with pytest.raises(InputError, match=r"\[16\] in .*e0 and \[15\] in .*e2"):
        plan([one, three])


def test_buffers_poolers_and_tied_copies_are_left_out(family):
    one, two, _, base = family
    rewrite(one, lambda weights: weights.update({"embeddings.position_ids": torch.arange(64)[None]}))
    rewrite(two, lambda weights: [weights.pop(name) for name in list(weights) if name.startswith("pooler.")])
    copy = "cls.predictions.decoder.weight"
    rewrite(base, lambda weights: weights.update({copy: weights["embeddings.word_embeddings.weight"].clone()}))
    found = plan([one, two], base)
    assert set(found.left_out) == {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias", copy}
    assert not set(found.left_out) & {tensor.name for tensor in found.tensors}


def test_a_cut_shard_is_refused_by_its_size(family):
    path = family[0] / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ModelError, match="only half written"):
        plan(family[:2])


def test_a_changed_setting_of_a_saved_model_is_noticed(family):
    path = family[0] / "config_sentence_transformers.json"
    path.write_text(path.read_text().replace("cosine", "dot"))
    with pytest.raises(ModelError, match="was changed after the model was saved"):
        plan(family[:2])


def test_kinds_do_not_mix(shared_family, tmp_path):
    from tiny_pairs import tiny_cross_encoder_folder

    with pytest.raises(InputError, match=r"of the kind encoder, and .* of the kind cross-encoder"):
        plan([shared_family[0], tiny_cross_encoder_folder(tmp_path / "ce")])


def test_a_plain_transformers_folder_may_be_the_base(family):
    base = family[-1]
    for name in ("modules.json", "config_sentence_transformers.json", "accord.json"):
        (base / name).unlink()
    shutil.rmtree(base / "1_Pooling")
    assert plan(family[:2], base, TaskArithmetic()).tensors
    with pytest.raises(InputError, match="modules differs"):
        plan([family[0], base])


def test_sixteen_bits_are_remarked_on(family):
    rewrite(family[0], lambda weights: weights.update({n: t.bfloat16() for n, t in weights.items()}))
    notes = " ".join(plan(family[:2], family[-1], dtype="float16").notes)
    assert "stored in 16 bits" in notes
    assert "rounds away part" in notes
    assert "several types" in " ".join(plan(family[:2]).notes)
    assert {tensor.dtype for tensor in plan(family[:2]).tensors} == {"F32"}
    assert {tensor.dtype for tensor in plan(family[:1]).tensors} == {"BF16"}
    assert {tensor.dtype for tensor in plan(family[:2], dtype="float16").tensors} == {"F16"}


def test_a_number_an_expert_is_counted(shared_family):
    with pytest.raises(InputError, match="one for each of 3 models"):
        plan(shared_family[:3], shared_family[-1], DareLinear([1.0, 2.0]))


def test_names_of_places_that_are_not_there(tmp_path, shared_family):
    with pytest.raises(ModelError, match="does not exist"):
        read_model(tmp_path / "none")
    with pytest.raises(InputError, match="revisions are not supported"):
        read_model("owner/name@main")
    with pytest.raises(ModelError, match="holds no adapter"):
        read_model(f"{shared_family[0]}+{tmp_path}")
    assert read_model("e0", root=shared_family[0].parent).path == shared_family[0]
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="holds no model"):
        read_model(tmp_path)
