"""Strategies side by side: differences seen from the other model, prices, and a recommendation that claims no more."""

import dataclasses
import io

import pytest
from rich.console import Console

from accord.core.records import Results
from accord.reporting import run_tables, strategies_table, summarise
from accord.reporting.report import page
from accord.reporting.run_folder import read_run

TASKS = ("code-search", "topic")
CONFLICT = {
    "verdict": "conflict",
    "pairs": [
        {"a": "topic", "b": "code-search", "verdict": "conflict", "cosine": -0.21, "ci": [-0.3, -0.12], "margin": 0.1}
    ],
}


def record(chosen, given=None, **more):
    prices = [
        {"name": name, "tokens": 1000, "steps": 10, "seconds": seconds, "times": seconds / 10}
        for name, seconds in (("single", 9.0), ("joint", 10.0), ("merged", 9.5), ("balanced", 15.0))
    ]
    return {"given": given or chosen, "chosen": chosen, "prices": prices, **more}


@pytest.fixture
def side(make):
    """Results of a run whose chosen model differs from others by the given verdicts, task by task."""

    def build(strategy, **verdicts):
        chosen = strategy["chosen"]
        scores = [make.score(m, t, 0.5) for m in ("base", chosen, *verdicts) for t in TASKS]
        scores += [make.score(f"single:{t}", t, 0.6) for t in TASKS]
        sizes = {"better": (0.1, 0.001), "worse": (-0.1, 0.001), "same": (0.01, 0.5)}
        comparisons = [
            make.comparison(chosen, other, task, sizes[word][0], p=sizes[word][1], needed=4000)
            for other, words in verdicts.items()
            for task, word in zip(TASKS, words)
        ]
        details = {"strategy": strategy, "models": [], "tasks": [{"name": t} for t in TASKS]}
        return Results(scores=tuple(scores), comparisons=tuple(comparisons), details=details)

    return build


def show(renderable, width=80):
    console = Console(width=width, color_system=None, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


def test_joint_training_alone_has_nothing_side_by_side(results):
    assert summarise(results).strategies is None
    assert summarise(results).lead == "joint"
    assert show(strategies_table(results)).strip() == "Only joint training was tried."


def test_differences_are_seen_from_the_other_model(side):
    found = summarise(side(record("merged"), joint=("better", "same"), base=("better", "better"))).strategies
    assert [way.name for way in found.ways] == ["base", "single", "joint", "merged"]
    joint = found.ways[2]
    first = joint.against[0]
    assert (first.effect, first.low, first.high) == pytest.approx((-0.1, -0.121, -0.079))
    assert joint.verdicts() == "1 worse, 1 not distinguishable"
    assert found.ways[0].verdicts() == "2 worse"
    assert found.ways[3].against == [None, None]
    assert [way.price.get("times") for way in found.ways] == [None, 0.9, 1.0, 0.95]


@pytest.mark.parametrize(
    ("chosen", "verdicts", "sentence"),
    [
        ("merged", {"joint": ("better", "same")}, "Keep the merged encoder: it is better than joint on some task"),
        ("merged", {"joint": ("worse", "same")}, "Rather take the joint encoder: it is better than the merged encoder"),
        ("balanced", {"joint": ("same", "same")}, "Take the joint encoder, the simplest: balanced cannot be told"),
        ("joint", {"merged": ("same", "same")}, "Take the joint encoder, the simplest: merged cannot be told apart"),
        ("balanced", {"joint": ("better", "worse")}, "Between balanced and joint it depends on the task"),
        ("merged", {"base": ("better", "same")}, "Only the merged encoder was trained on all tasks; add `joint`"),
    ],
)
def test_the_recommendation_follows_the_verdicts(side, chosen, verdicts, sentence):
    assert summarise(side(record(chosen), **verdicts)).strategies.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"chosen": "joint", "tried": ["joint"], "conflict": {"verdict": "no conflict"}}, "no conflict beyond noise"),
        ({"chosen": "joint", "tried": ["joint"], "conflict": CONFLICT}, "the budget allows nothing else"),
        ({"chosen": "joint", "tried": ["joint", "merged"], "conflict": CONFLICT}, "merged did no better beyond noise"),
        ({"chosen": "merged", "tried": ["joint", "merged"], "conflict": CONFLICT}, "Take the merged encoder: on"),
    ],
)
def test_a_search_says_why(side, more, sentence):
    found = summarise(side(record(**more, given="auto"), balanced=("same", "same"))).strategies
    assert sentence in found.sentence


def test_the_evidence_is_told_in_full(side):
    pairs = [{**CONFLICT["pairs"][0], "a": f"t{i}", "cosine": 0.1 * i} for i in range(6)]
    pairs.append({"a": "x", "b": "y", "verdict": "undecided", "cosine": None, "ci": [None, None], "margin": None})
    strategy = record(
        "joint",
        given="auto",
        tried=["joint", "merged"],
        conflict={"verdict": "conflict", "pairs": pairs},
        dev=[{"a": "merged", "b": "joint", "effect": 0.012, "ci": [-0.004, 0.02], "tasks": 2}],
        skipped=[{"name": "balanced", "why": "it would go beyond the budget"}],
        merge={"method": {"Linear": {"weights": 1}}, "length": 0.41},
    )
    lines = summarise(side(strategy, merged=("same", "same"))).strategies.evidence
    assert lines[0].startswith("The gradients of t0 and code-search have a cosine of 0.000 [\N{MINUS SIGN}0.300, ")
    assert lines[5] == "2 further pairs of tasks have higher cosines."
    assert "merged \N{MINUS SIGN} joint is +0.012 [\N{MINUS SIGN}0.004, +0.020] in the mean over 2 tasks." in lines[6]
    assert "Linear changed the base 0.41 times" in lines[7] and "averaged away" in lines[7]
    assert lines[8] == "balanced was not tried: it would go beyond the budget."


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_the_terminal_and_names_the_price(side, width):
    strategy = record("merged", given="auto", tried=["joint", "merged"], conflict=CONFLICT)
    strategy["prices"].append({"name": "auto", "tokens": 4000, "steps": 40, "seconds": 50.0, "times": 5.0})
    results = side(strategy, joint=("better", "same"), balanced=("same", "same"))
    text = show(strategies_table(results), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\N{MULTIPLICATION SIGN} joint" in text
    words = " ".join(text.split())
    assert "balanced 1.0 k 15 s 1.50 2 not distinguishable" in words
    assert "auto 4.0 k 50 s 5.00 measuring and all that was tried" in words
    assert any("Strategies" in show(part) for part in run_tables(results))


def test_the_page_shows_them_with_intervals_and_price(side, make, tmp_path):
    strategy = record("merged", given="auto", tried=["joint", "merged"], conflict=CONFLICT)
    results = side(strategy, joint=("better", "same"), base=("better", "better"))
    folder = make.run(tmp_path / "run", results, [])
    text = page(read_run(folder))
    assert 'href="#strategies"' in text and 'id="strategies"' in text
    assert "▼ \N{MINUS SIGN}0.100 [\N{MINUS SIGN}0.121, \N{MINUS SIGN}0.079]" in text
    assert "auto: merged" in text and "<small>chosen</small>" in text
    assert "0.95 \N{MULTIPLICATION SIGN}" in text and "corrected for noise: conflict" in text
    plain = dataclasses.replace(results, details={})
    assert "#strategies" in page(read_run(make.run(tmp_path / "old", plain, [])))


def test_the_headline_is_about_the_model_that_the_run_gives(side):
    results = side(record("merged"), joint=("better", "same"), base=("better", "better"))
    headline = summarise(results).headline
    assert headline.startswith("The merged encoder is better than the base on both tasks")
    assert "against the joint encoder it is better on 1 of 2 tasks and not distinguishable on 1" in headline
