"""Evaluating models on a recipe's tasks: what is kept, what is written for mteb, and cross-encoders."""

import dataclasses
import json

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.encoders import load
from accord.evaluation import read_mteb_results
from accord.recipes import evaluate as driver
from accord.recipes.evaluate import evaluate
from accord.recipes.prepare import prepare


@pytest.fixture
def prepared(job):
    return prepare(job)


def measurements(found):
    return [
        (row["task"], row["evaluation"], row["from_cache"]) for row in found.results.details["cache"]["measurements"]
    ]


EACH = [("faq", "Retrieval"), ("topic", "Classification"), ("topic", "Clustering")]


def test_what_was_measured_before_is_read(prepared, job, tmp_path, monkeypatch):
    encoder = load(job.spec.encoder.model, max_length=16)
    fresh = evaluate([encoder], prepared)
    assert "cache" not in fresh.results.details
    first = evaluate([encoder], prepared, cache=tmp_path / "kept")
    assert measurements(first) == [(*one, False) for one in EACH]
    monkeypatch.setattr(type(encoder), "encode", None)  # nothing is encoded again
    second = evaluate([encoder], prepared, cache=tmp_path / "kept")
    assert measurements(second) == [(*one, True) for one in EACH]
    for found in (first, second):
        assert found.scores == fresh.scores
        assert all(found.examples[name].equals(fresh.examples[name]) for name in ("faq", "topic"))


@pytest.mark.slow
def test_other_weights_are_another_model_under_the_same_name(prepared, job, tmp_path):
    encoder = load(job.spec.encoder.model, max_length=16)
    evaluate([encoder], prepared, cache=tmp_path)
    next(iter(encoder.backbone.parameters())).data += 0.1
    again = evaluate([encoder], prepared, cache=tmp_path)
    assert measurements(again) == [(*one, False) for one in EACH]
    encoder.max_length = 8
    assert not any(kept for *_, kept in measurements(evaluate([encoder], prepared, cache=tmp_path)))


def test_thresholds_are_tuned_on_dev_rows(prepared):
    task = prepared.tasks["faq"]

    class Tunes:
        tunes = True

    assert driver.learned_from(task, Tunes(), "test") is task.train  # too few dev rows
    many = dataclasses.replace(task, dev=task.train.take(np.arange(100) % len(task.train)))
    assert driver.learned_from(many, Tunes(), "test") is many.dev
    assert driver.learned_from(many, Tunes(), "dev") is many.train
    assert driver.learned_from(many, object(), "test") is many.train


@pytest.mark.slow
def test_scores_as_mteb_has_them(prepared, job, tmp_path):
    encoder = load(job.spec.encoder.model, max_length=16)
    found = evaluate([encoder], prepared, mteb_out=tmp_path)
    results = {one.task: one for one in read_mteb_results(tmp_path)}
    assert set(results) == {"faq", "topic", "topic-Clustering"}
    by_metric = {row.metric: row for row in found.scores}
    faq = results["faq"]
    assert faq.main_score == faq.scores["ndcg_at_10"] == pytest.approx(by_metric["nDCG@10"].score, abs=1e-6)
    assert faq.mteb_version is None  # our protocol, not mteb's
    assert faq.model_revision == encoder.fingerprint()[:16]
    assert results["topic"].scores["f1"] == pytest.approx(by_metric["macro_f1"].score, abs=1e-6)
    low, high = results["topic"].notes["intervals"]["accuracy"]
    assert low <= results["topic"].main_score <= high
    changed = prepare(job.replace({"tasks.faq.evaluate": {"Retrieval": {"against": "mteb"}}, "tasks.topic": None}))
    evaluate([encoder], changed, mteb_out=tmp_path / "theirs")
    assert read_mteb_results(tmp_path / "theirs")[0].mteb_version == "2.26.24"


class Words:
    """A scorer: shared words."""

    def score(self, left, right, *, progress=None):
        return np.array([len(set(a.split()) & set(b.split())) for a, b in zip(left, right)], dtype=np.float32)


def test_a_scorer_beside_an_encoder(job, tmp_path, tiny_folder):
    lists = [
        {"query": f"read {i}", "pos": [f"read the {i}"], "neg": [f"a list of {i}", f"close it {i * i} times"]}
        for i in range(40)
    ]
    (tmp_path / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lists))
    rules = {
        "tasks.topic": None,
        "tasks.faq.signal": "Ranked",
        "tasks.faq.columns": {},
        "tasks.faq.split": {"by": "query", "dev": 0.1, "test": 0.5},
        "tasks.faq.evaluate": ["Reranking"],
        "index": None,
    }
    recipe = job.replace(rules)
    found = evaluate([str(tiny_folder), Words()], recipe, cache=tmp_path / "kept")
    assert [row.model for row in found.scores if row.primary] == [str(tiny_folder), "model-1"]
    assert measurements(found) == [("faq", "Reranking", False)] * 2
    again = evaluate([str(tiny_folder), Words()], recipe, cache=tmp_path / "kept")
    assert [kept for *_, kept in measurements(again)] == [True, False]  # the scorer cannot say what it is
    with pytest.raises(InputError, match="only scores pairs"):
        evaluate([Words()], recipe.replace({"tasks.faq.evaluate": ["Retrieval"]}))


def test_a_folder_of_either_kind_is_loaded(tiny_folder, tmp_path):
    from accord.encoders import TextEncoder, pairs

    pairs.create(str(tiny_folder), num_labels=1).save(tmp_path / "reranker")
    assert isinstance(driver.load_any(tmp_path / "reranker"), pairs.CrossEncoder)
    assert isinstance(driver.load_any(str(tiny_folder)), TextEncoder)


def test_a_cross_encoder_that_a_task_cannot_judge_is_named_before_anything_is_measured(job, tmp_path, tiny_folder):
    from accord.encoders import pairs

    pairs.create(str(tiny_folder), num_labels=3).save(tmp_path / "three")
    kept = tmp_path / "kept"
    with pytest.raises(InputError, match=r"cannot judge .*three: it has 3 labels"):
        evaluate([str(tiny_folder), tmp_path / "three"], job, cache=kept)
    assert not kept.exists()
