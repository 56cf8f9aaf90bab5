"""Scores do not depend on batches, order or copies; ranking, activations, what is refused."""

import logging

import numpy as np
import pytest
import torch
from tiny_pairs import tiny_cross_encoder, tiny_pairs
from torch import nn

from accord.core.errors import InputError
from accord.encoders.pairs import scoring

LEFT, RIGHT = tiny_pairs()


@pytest.fixture(scope="module")
def model():
    return tiny_cross_encoder()


def test_scores_equal_one_pair_at_a_time_whatever_the_batches_and_the_order(model, monkeypatch):
    alone = []
    with torch.inference_mode():
        for a, b in zip(LEFT, RIGHT):
            inputs = model.tokenizer([a], [b], truncation=True, max_length=64, return_tensors="pt")
            alone.append(model.backbone(**inputs).logits.sigmoid().item())
    for batch_tokens in (1, 100, 100_000):
        np.testing.assert_allclose(model.score(LEFT, RIGHT, batch_tokens=batch_tokens), alone, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(LEFT))
    shuffled = model.score([LEFT[n] for n in order], [RIGHT[n] for n in order])
    np.testing.assert_allclose(shuffled, np.array(alone)[order], atol=1e-5)
    monkeypatch.setattr(scoring, "WINDOW", 7)
    np.testing.assert_allclose(model.score(LEFT, RIGHT), alone, atol=1e-5)


def test_equal_pairs_are_scored_once(model, monkeypatch):
    rows = []
    plain = type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda self, batch: rows.append(len(batch)) or plain(self, batch))
    scores = model.score(["a", "b", "a", "a"], ["c", "c", "c", "b"])
    assert sum(rows) == 3
    assert scores[0] == scores[2]


def test_several_labels_give_a_column_each_and_softmax_is_asked_for():
    model = tiny_cross_encoder(labels=3)
    scores = model.score(LEFT[:4], RIGHT[:4])
    assert scores.shape == (4, 3)
    found = model.predict(list(zip(LEFT[:4], RIGHT[:4])), apply_softmax=True)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    with pytest.raises(InputError, match="1 label, and this one has 3"):
        model.rank("a", ["b"])


def test_predict_takes_pairs_and_one_pair(model):
    many = model.predict([("a", "b"), ["c", "d"]])
    np.testing.assert_array_equal(many, model.score(["a", "c"], ["b", "d"]))
    assert model.predict(("a", "b")) == pytest.approx(many[0], abs=1e-6)
    assert model.predict([]).shape == (0,)
    with pytest.raises(InputError, match="at position 1"):
        model.predict([("a", "b"), ("a",)])


def test_raw_scores_by_an_identity(model):
    raw = model.score(LEFT, RIGHT, activation=nn.Identity())
    np.testing.assert_allclose(1 / (1 + np.exp(-raw)), model.score(LEFT, RIGHT), atol=1e-6)


def test_rank_tells_documents_apart_that_the_sigmoid_makes_equal():
    model = tiny_cross_encoder()
    documents = ["one", "two", "three", "two"]
    plain = model.rank("read a file", documents, return_documents=True)
    scores = model.score(["read a file"] * 4, documents)
    assert [row["corpus_id"] for row in plain] == np.argsort(-scores, kind="stable").tolist()
    assert [row["text"] for row in plain] == [documents[row["corpus_id"]] for row in plain]
    assert model.rank("read a file", documents, 2) == model.rank("read a file", documents)[:2]
    with torch.no_grad():
        model.backbone.classifier.bias += 50  # where the sigmoid is 1 in float32
    saturated = model.rank("read a file", documents)
    assert {row["score"] for row in saturated} == {1.0}
    assert [row["corpus_id"] for row in saturated] == [row["corpus_id"] for row in plain]


def test_what_is_cut_is_said_once(model, caplog):
    with caplog.at_level(logging.WARNING):
        model.score(["read " * 90, "a"], ["write " * 90, "b"], batch_tokens=1)
    assert [r.message for r in caplog.records if "1 of 2 pairs were longer than max_length = 64" in r.message]


def test_bfloat16_is_taken_where_it_agrees_and_left_with_a_warning_where_not(model, caplog, monkeypatch):
    plain = model.score(LEFT, RIGHT, activation=nn.Identity())
    half = model.score(LEFT, RIGHT, activation=nn.Identity(), precision="bfloat16")
    assert 0 < np.abs(half - plain).max() < 0.1 * np.ptp(plain)
    monkeypatch.setattr(scoring, "MINIMUM_CORRELATION", 1.1)
    left = model.score(LEFT, RIGHT, activation=nn.Identity(), precision="bfloat16")
    np.testing.assert_array_equal(left, plain)
    assert "bfloat16 is left" in caplog.text


def test_the_mode_is_restored_and_dropout_is_off_meanwhile(model):
    model.train()
    again = model.score(LEFT, RIGHT)
    assert model.training
    model.eval()
    np.testing.assert_array_equal(again, model.score(LEFT, RIGHT))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"left": ["a"], "right": []}, "equally many"),
        ({"left": [3], "right": ["a"]}, "must hold strings. Got 3"),
        ({"left": ["a"], "right": ["a"], "batch_tokens": 0}, "batch_tokens"),
        ({"left": ["a"], "right": ["a"], "precision": "half"}, "precision"),
    ],
)
def test_bad_input_is_named(model, arguments, words):
    with pytest.raises(InputError, match=words):
        model.score(arguments.pop("left"), arguments.pop("right"), **arguments)


def test_maximum_length_may_be_set_within_the_positions(model):
    other = tiny_cross_encoder(max_length=32)
    other.max_seq_length = 16
    assert other.max_length == 16
    with pytest.raises(InputError, match="at most 64"):
        other.max_length = 65
    assert other.fingerprint() != model.fingerprint()
