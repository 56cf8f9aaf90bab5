"""Natural Instructions and In-BoXBART: tasks told apart by words, and tasks never seen in training.

The papers put an instruction before each input of a collection of tasks. The first trains on some tasks and finds that
instructions help on tasks left out; the second, in biomedicine, that a model with instructions is better than the same
collection without them.

Here an encoder is trained on seven tasks, with or without an instruction of each before queries and documents, and
judged on four that it never saw, two of them biomedical; the instructed encoder gets the unseen task's instruction.
Beside that: the instructed encoder without any instruction, with one of another task, and both encoders on what they
were trained on. Both arms see the same rows in the same batches.

Not tested: generating answers; the papers' models write, an encoder searches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.data import cut_down, parts_of, prefixed
from claims.judges import mean, search_values
from claims.paired import compare
from claims.starts import Start
from claims.study import Arm, Cell, Found, Regime, SearchScale, Study, outcome, row

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs

__all__ = ["CLAIM"]

SEEN = {
    "banking": Role(folder="banking77", shape="labelled", what="utterances, and others of the same intent"),
    "intents": Role(folder="clinc150", shape="labelled", what="commands, and others of the same intent"),
    "questions": Role(folder="trec_qc", shape="labelled", what="questions, and others of the same class"),
    "code": Role(folder="cosqa", shape="retrieval", what="web queries and functions"),
    "table": Role(folder="fetaqa_tables", shape="retrieval", what="questions and tables"),
    "simple": Role(folder="asset", shape="pairs", what="sentences and simpler ones"),
    "split": Role(folder="wikisplit", shape="pairs", what="sentences and the same as two"),
}
UNSEEN = {
    "evidence": Role(folder="scifact", shape="retrieval", what="claims and scientific abstracts"),
    "medicine": Role(folder="pubmedqa", shape="retrieval", what="questions and medical abstracts"),
    "software": Role(folder="stackoverflow20", shape="labelled", what="titles, and others of the same subject"),
    "assistant": Role(folder="snips", shape="labelled", what="commands, and others of the same intent"),
}
ROLES = {**SEEN, **UNSEEN}
INSTRUCTIONS = {
    "banking": ("Find customers of a bank who want the same: ", "What a customer of a bank asks: "),
    "intents": ("Find commands with the same intent: ", "A command: "),
    "questions": ("Find questions that ask for the same kind of answer: ", "A question: "),
    "code": ("Find a Python function that does this: ", "A Python function: "),
    "table": ("Find the table that answers this question: ", "A table: "),
    "simple": ("Find a simpler sentence that says the same: ", "A simple sentence: "),
    "split": ("Find the same said in two sentences: ", "Two sentences: "),
    "evidence": ("Find scientific abstracts that support or refute this claim: ", "A scientific abstract: "),
    "medicine": ("Find the medical abstract that answers this question: ", "A medical abstract: "),
    "software": ("Find questions about the same software: ", "The title of a question: "),
    "assistant": ("Find commands to an assistant with the same intent: ", "A command to an assistant: "),
}
OTHERS = {"evidence": "banking", "medicine": "code", "software": "simple", "assistant": "table"}
"""Whose instruction an unseen task gets when it gets a wrong one."""
INSTRUCTED, BARE = "instructions", "no instructions"


SCALES = {
    "quick": SearchScale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=49, rates=(1e-4, 4e-4)),),
        batch=24,
        queries=50,
        documents=150,
        max_length=64,
    ),
    "full": SearchScale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=105, rates=(1e-4, 4e-4)),),
        batch=32,
        queries=120,
        documents=300,
        max_length=64,
    ),
}


def run(context: Context) -> Outcome:
    """Train with and without instructions, from every start, with every seed."""
    scale = SCALES[context.scale]
    parts, dropped = _parts(context, scale)

    def dev(model: TextEncoder, arm: Arm) -> float:
        own = {n: _prompted(parts[n]["dev"], n if arm.name == INSTRUCTED else None) for n in SEEN}
        return mean(search_values(model, own))

    def test(model: TextEncoder, arm: Arm) -> dict[str, list[float]]:
        told = arm.name == INSTRUCTED
        tests = {n: _prompted(parts[n]["test"], n if told else None) for n in ROLES}
        if told:
            tests |= {f"{n}, none": parts[n]["test"] for n in UNSEEN}
            tests |= {f"{n}, another's": _prompted(parts[n]["test"], OTHERS[n]) for n in UNSEEN}
        return search_values(model, tests)

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[
            Arm(name=name, train=lambda model, cell, told=told: _train(model, parts, cell, scale.batch, told=told))
            for name, told in ((INSTRUCTED, True), (BARE, False))
        ],
        dev=dev,
        test=test,
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "instructions": INSTRUCTIONS,
            "data": {f"{n} {p}": pairs.fingerprint() for n, of in parts.items() for p, pairs in of.items()},
        },
    )
    found = study.run()
    return outcome(
        found,
        method=INSTRUCTED,
        baseline=BARE,
        tasks=list(UNSEEN),
        details={"conditions": _conditions(found), "dropped": dropped},
        notes=["Encoders search; the papers' models write answers."],
    )


def _parts(context: Context, scale: SearchScale) -> tuple[dict[str, dict[str, Pairs]], Mapping[str, int]]:
    """Train, dev and test of every task, without leaks, cut to the scale."""
    from accord.data import find_leaks

    parts = {name: parts_of(context.data[name], role) for name, role in ROLES.items()}
    leaks = find_leaks({n: of if n in SEEN else {"dev": of["dev"], "test": of["test"]} for n, of in parts.items()})
    found = {
        n: cut_down(of, leaks.keep[n] if n in SEEN else None, queries=scale.queries, documents=scale.documents)
        for n, of in parts.items()
    }
    return found, dict(leaks.dropped)


def _prompted(pairs: Pairs, whose: str | None) -> Pairs:
    """Pairs with a task's instruction before queries and documents; with none, as they are."""
    return pairs if whose is None else prefixed(pairs, *INSTRUCTIONS[whose])


def _train(
    model: TextEncoder, parts: Mapping[str, Mapping[str, Pairs]], cell: Cell, batch: int, *, told: bool
) -> Mapping[str, Any]:
    from accord import InfoNCE
    from accord.training import AdamW, Settings, TrainingTask, train

    tasks = [
        TrainingTask(
            name=name,
            signal=parts[name]["train"],
            objective=InfoNCE(mask=("text", "label")),
            weight=1 / len(parts[name]["train"]),
            query_prompt=INSTRUCTIONS[name][0] if told else "",
            document_prompt=INSTRUCTIONS[name][1] if told else "",
        )
        for name in SEEN
    ]
    settings = Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    result = train(model, tasks, settings)
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


def _conditions(found: Mapping[str, Mapping[str, Found]]) -> Mapping[str, Any]:
    """The instructed encoder under its own, no and another's instruction; and both encoders on seen tasks."""

    def side(arm: str, names: Mapping[str, str]) -> dict[str, np.ndarray]:
        return {n: np.mean([arms[arm].values[key] for arms in found.values()], axis=0) for n, key in names.items()}

    own = side(INSTRUCTED, {n: n for n in UNSEEN})
    seen = {n: n for n in SEEN}
    return {
        "its own against no instruction": row(compare(own, side(INSTRUCTED, {n: f"{n}, none" for n in UNSEEN}))),
        "its own against another's": row(compare(own, side(INSTRUCTED, {n: f"{n}, another's" for n in UNSEEN}))),
        "instructed against bare, seen tasks": row(compare(side(INSTRUCTED, seen), side(BARE, seen))),
    }


CLAIM = Claim(
    name="instructions",
    papers=(66, 68),
    statement="An encoder trained with an instruction for each task is better on tasks it never saw than one without.",
    method="an instruction before queries and documents, in training and on unseen tasks",
    baseline="the same training and tests without instructions",
    metric="nDCG@10, mean of four unseen tasks",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("objectives/contrastive/info_nce.py",),
)
