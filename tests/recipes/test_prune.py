"""Pruning from folder to folder: what is written, what it says, and what is refused."""

import json

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from tiny_models import WORDS, tiny_encoder, tiny_tokenizer
from tiny_pairs import tiny_cross_encoder

from accord.core.errors import InputError
from accord.encoders import StaticEncoder, doctor, load
from accord.recipes.prune import PruneSettings, prune, read_texts
from accord.reporting import prune_tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("prune") / "m"
    tiny_encoder(prompts={"query": "find: "}).save(place, metadata={"kept": "as it was"})
    return place


@pytest.fixture(scope="module")
def texts():
    draw = np.random.default_rng(1)
    return list(dict.fromkeys(" ".join(draw.choice(WORDS, draw.integers(3, 9))) for _ in range(120)))


def test_several_steps_give_one_plain_folder(folder, texts, tmp_path):
    settings = PruneSettings(layers=2, ffn=0.5, slice_share=0.25, vocabulary=texts)
    done = prune(folder, tmp_path / "s", settings, texts=texts)
    record = json.loads((tmp_path / "s" / "accord.json").read_text())["metadata"]
    assert record == {"kept": "as it was", "pruned": json.loads(json.dumps(done.record))}
    assert [step["method"] for step in done.record["steps"]] == ["layers", "ffn", "slice", "vocabulary"]
    after = done.record["after"]
    assert (after["layers"], after["inner units"], after["hidden size"]) == (2, 32, 24)
    assert after["parameters"] < done.record["before"]["parameters"]
    assert done.record["held_out"] + done.record["calibration"] == len(texts)
    assert -1 <= done.record["cosine"]["least"] <= done.record["cosine"]["mean"] <= 1
    model = SentenceTransformer(str(tmp_path / "s"), device="cpu")
    smaller = load(tmp_path / "s", device="cpu")
    np.testing.assert_allclose(model.encode(texts[:5]), smaller.encode(texts[:5]), atol=1e-6)
    assert smaller.prompts == {"query": "find: "}
    assert doctor(tmp_path / "s").passed
    assert len(prune_tables(done.record)) == 6


def test_the_vocabulary_alone_needs_no_other_texts(folder, texts, tmp_path):
    done = prune(folder, tmp_path / "s", PruneSettings(vocabulary=texts))
    assert done.record["cosine"]["least"] == pytest.approx(1.0, abs=1e-6)
    assert done.record["calibration"] == 0


def test_the_exact_form_comes_back_in_accord(folder, texts, tmp_path):
    done = prune(folder, tmp_path / "s", PruneSettings(slice_share=0.1, exact=True, vocabulary=texts), texts=texts)
    assert done.record["after"]["hidden size"] == 29
    assert doctor(tmp_path / "s").passed
    assert "import accord.encoders.text.sliced" in (tmp_path / "s" / "README.md").read_text()


def test_texts_of_files(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\none\n")
    (tmp_path / "b.jsonl").write_text('{"body": "one"}\n{"body": "two"}\n')
    assert read_texts(tmp_path / "a.txt") == read_texts(tmp_path / "b.jsonl", "body") == ["one", "two"]
    with pytest.raises(InputError, match=r"has no column `text`\. It has: id, body"):
        read_texts(tmp_path / "b.jsonl")
    with pytest.raises(InputError, match="does not exist"):
        read_texts(tmp_path / "c.txt")


def test_refusals_leave_nothing_behind(folder, texts, tmp_path):
    with pytest.raises(InputError, match="Nothing is to be pruned"):
        prune(folder, tmp_path / "s", PruneSettings(), texts=texts)
    with pytest.raises(InputError, match="`--exact` is a form of slicing"):
        prune(folder, tmp_path / "s", PruneSettings(ffn=0.5, exact=True), texts=texts)
    with pytest.raises(InputError, match="no texts to compare"):
        prune(folder, tmp_path / "s", PruneSettings(keep_layers=[0]))
    with pytest.raises(InputError, match=r"`layers` must lie in \[1, 2\]"):
        prune(folder, tmp_path / "s", PruneSettings(layers=9), texts=texts)
    with pytest.raises(InputError, match=r"calibrated on texts and needs at least 16\. Got 0"):
        prune(folder, tmp_path / "s", PruneSettings(ffn=0.5, vocabulary=texts))
    tiny_cross_encoder().save(tmp_path / "c")
    with pytest.raises(InputError, match="is a cross-encoder"):
        prune(tmp_path / "c", tmp_path / "s", PruneSettings(layers=1), texts=texts)
    tokenizer = tiny_tokenizer()
    StaticEncoder(np.ones((len(tokenizer), 4), dtype=np.float32), tokenizer).save(tmp_path / "t")
    with pytest.raises(InputError, match="is a static encoder"):
        prune(tmp_path / "t", tmp_path / "s", PruneSettings(layers=1), texts=texts)
    assert not (tmp_path / "s").exists()
