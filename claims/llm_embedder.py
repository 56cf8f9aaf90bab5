"""LLM-Embedder: for several retrieval tasks in one encoder, batches of one task, each task with its instruction.

The paper trains one retriever for tasks that understand "relevant" differently. It draws each batch from one task, so
that in-batch negatives are comparable, and puts an instruction of the task before queries and documents. Here both are
switched on and off (four cells); the claim is the cell with both against the cell with neither.

All cells see exactly the same rows equally often, in batches of the same size, for the same number of steps, and choose
their learning rate from the same grid by the mean nDCG@10 on dev splits, with the first seed. A mixed batch is drawn
from all those rows shuffled together. Test splits play no part in the choice. Rows whose texts any dev or test split
holds are dropped from training.

Not tested: the paper's other half, rewards from a language model and their distillation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.core.errors import InputError
from claims.base import Claim, Context, Outcome, Role
from claims.data import parts_of, searched, some_queries
from claims.paired import Paired, compare
from claims.starts import Start

if TYPE_CHECKING:
    import pyarrow as pa

    from accord import TextEncoder
    from accord.data import Pairs
    from accord.training import TrainingTask

__all__ = ["CLAIM"]

ROLES = {
    "evidence": Role(folder="scifact", shape="retrieval", what="claims and the abstracts that bear on them"),
    "code": Role(folder="cosqa", shape="retrieval", what="web queries and functions"),
    "table": Role(folder="fetaqa_tables", shape="retrieval", what="questions and tables"),
    "example": Role(folder="banking77", shape="labelled", what="utterances, and others of the same intent"),
    "translation": Role(
        folder="tatoeba",
        shape="pairs",
        what="sentences and their English translations",
        files=("deu-eng", "fra-eng", "ita-eng", "nld-eng", "por-eng", "spa-eng"),
    ),
}
INSTRUCTIONS = {
    "evidence": ("Represent this claim for finding scientific evidence: ", "Represent this abstract as evidence: "),
    "code": ("Represent this request for finding code: ", "Represent this function for retrieval: "),
    "table": ("Represent this question for finding a table: ", "Represent this table for retrieval: "),
    "example": ("Represent this utterance for finding similar examples: ", "Represent this example for retrieval: "),
    "translation": ("Represent this sentence for finding its translation: ", "Represent this English sentence: "),
}
CELLS = [(batches, instructed) for batches in ("homogeneous", "mixed") for instructed in (True, False)]
METHOD, BASELINE = ("homogeneous", True), ("mixed", False)
MASK = ("text", "label")  # in every cell: neither equal texts nor texts of one label are negatives
Cell = tuple[str, bool]
Values = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Regime:
    """A start, and how far it is trained."""

    start: Start
    steps: int
    rates: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything.

    Args:
        queries: at most so many test queries a task (dev: half).
        documents: at most so many documents to search a task (dev: half).
    """

    regimes: tuple[Regime, ...]
    batch: int
    max_length: int
    queries: int
    documents: int


RATES = (1e-4, 4e-4, 1.5e-3)
SCALES = {
    "quick": Scale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=50, rates=RATES),),
        batch=32,
        max_length=64,
        queries=100,
        documents=300,
    ),
    "full": Scale(
        regimes=(
            Regime(start=Start(name="packaged"), steps=40, rates=(1e-4, 4e-4)),
            Regime(start=Start(name="untrained", layers=2, fresh=True), steps=120, rates=(4e-4, 1.5e-3)),
        ),
        batch=32,
        max_length=64,
        queries=200,
        documents=400,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Study:
    """One run of the claim: what all its cells share.

    Args:
        parts: train, dev and test of each task, in the order of `ROLES`.
        dropped: train rows of each task that a dev or test split holds.
        shared: what decides a cell's result beside the cell itself, for the cache.
    """

    context: Context
    scale: Scale
    parts: Mapping[str, Mapping[str, Pairs]]
    dropped: Mapping[str, int]
    shared: Mapping[str, Any]


def run(context: Context) -> Outcome:
    """Train and measure the four cells from every start, with every seed."""
    study = _study(context, SCALES[context.scale])
    values: dict[str, dict[Cell, Values]] = {}
    details: dict[str, Any] = {"dropped": study.dropped, "starts": {}}
    edges: list[str] = []
    seconds = 0.0
    for regime in study.scale.regimes:
        name = regime.start.name
        base = _measured(study, regime, None, 0.0, context.seeds[0])
        tuned = {cell: _tuned(study, regime, cell) for cell in CELLS}
        values[name] = {cell: t.values for cell, t in tuned.items()}
        details["starts"][name] = _report(regime, tuned, base)
        edges += _edges(regime, tuned)
        seconds += base["seconds"] + sum(t.seconds for t in tuned.values())
    whole = {c: {task: np.mean([cells[c][task] for cells in values.values()], axis=0) for task in ROLES} for c in CELLS}
    decisive = compare(whole[METHOD], whole[BASELINE])
    details["factors"] = _factors(whole)
    verdicts = {name: compare(cells[METHOD], cells[BASELINE]).verdict for name, cells in values.items()}
    disagree = {"holds", "fails"} <= set(verdicts.values())
    notes = ["Half of the paper only: rewards from a language model and their distillation are not tested.", *edges]
    notes += ["The starts disagree, so nothing is concluded."] if disagree else []
    return Outcome(
        paired=decisive,
        verdict="inconclusive" if disagree else "",
        seconds=seconds,
        tasks=[_row(compare({t: whole[METHOD][t]}, {t: whole[BASELINE][t]}), task=t) for t in ROLES],
        details=details,
        notes=notes,
    )


def _study(context: Context, scale: Scale) -> Study:
    """Read the tasks, drop what leaks, and cut dev and test down to the scale."""
    from accord import load
    from accord.data import find_leaks

    parts = {name: parts_of(context.data[name], role) for name, role in ROLES.items()}
    leaks = find_leaks(parts)
    for name, of in parts.items():
        further = {f"{part}/{i}": text for part, p in of.items() for i, text in zip(p.ids, p.column("positive"))}
        of["train"] = of["train"].take(leaks.keep[name])
        if len(of["train"]) < 2 * scale.batch:
            raise InputError(f"`{name}`: {context.data[name]} has {len(of['train'])} rows to train on: too few.")
        for part, share in (("dev", 2), ("test", 1)):
            of[part] = searched(some_queries(of[part], scale.queries // share), scale.documents // share, further)
    context.say(f"Rows dropped from training because a dev or test split holds them: {dict(leaks.dropped)}")
    shared = {
        "model": load(context.model).fingerprint(),
        "scale": {**asdict(scale), "regimes": None},
        "data": {name: {part: pairs.fingerprint() for part, pairs in of.items()} for name, of in parts.items()},
    }
    return Study(
        context=context,
        scale=scale,
        parts=parts,
        dropped=dict(leaks.dropped),
        shared=shared,
    )


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A cell at its chosen rate.

    Args:
        dev: mean score on dev of each rate, with the first seed.
        values: test values by task, (seeds, queries).
    """

    rate: float
    dev: Mapping[str, float]
    values: Values
    seconds: float


def _tuned(study: Study, regime: Regime, cell: Cell) -> Tuned:
    """Choose the rate on dev with the first seed, then measure the test with all seeds."""
    seeds = study.context.seeds
    first = {rate: _measured(study, regime, cell, rate, seeds[0]) for rate in regime.rates}
    rate = max(first, key=lambda r: first[r]["dev"])
    runs = [first[rate], *(_measured(study, regime, cell, rate, seed) for seed in seeds[1:])]
    return Tuned(
        rate=rate,
        dev={f"{r:g}": result["dev"] for r, result in first.items()},
        values={task: np.array([result["test"][task] for result in runs]) for task in ROLES},
        seconds=sum(r["seconds"] for r in [*first.values(), *runs[1:]]),
    )


def _measured(study: Study, regime: Regime, cell: Cell | None, rate: float, seed: int) -> dict[str, Any]:
    """Train one encoder and measure it; without a cell, the start as it is."""

    def make() -> dict[str, Any]:
        begun = time.perf_counter()
        model = regime.start.load(
            context.model, context.cache, device=context.device, max_length=study.scale.max_length
        )
        trained = {} if cell is None else _train(model, study, regime, cell, rate, seed)
        dev, test = (_scores(model, study, part, instructed=cell is not None and cell[1]) for part in ("dev", "test"))
        return {"dev": _macro(dev), "test": test, **trained, "seconds": time.perf_counter() - begun}

    context = study.context
    key = {**study.shared, "regime": {**asdict(regime), "rates": None}, "cell": cell, "rate": rate, "seed": seed}
    result = context.cached(key, make)
    what = f"{cell[0]} batches, instructions {cell[1]}, rate {rate:g}, seed {seed}" if cell else "as it is"
    scores = f"dev {result['dev']:.4f}, test {_macro(result['test']):.4f}"
    context.say(f"{regime.start.name}, {what}: {scores} ({result['seconds']:.0f} s)")
    return result


def _train(model: TextEncoder, study: Study, regime: Regime, cell: Cell, rate: float, seed: int) -> dict[str, Any]:
    from accord.training import AdamW, Settings, train

    if regime.steps % len(ROLES):
        raise InputError(f"`steps` must be a multiple of {len(ROLES)}, so that tasks have equal shares.")
    signals = {name: _texts(name, of["train"], instructed=cell[1]) for name, of in study.parts.items()}
    batch = study.scale.batch
    tasks = _homogeneous(signals) if cell[0] == "homogeneous" else _mixed(signals, regime.steps, batch, seed)
    settings = Settings(steps=regime.steps, batch=batch, optimizer=AdamW(lr=rate), seed=seed)
    result = train(model, tasks, settings, run=f"{cell[0]}-{cell[1]}")
    return {"steps": result.steps, "tokens": sum(result.tokens.values()), "truncated": sum(result.truncated.values())}


def _homogeneous(signals: Mapping[str, Pairs]) -> list[TrainingTask]:
    """One task each, with equal shares of the steps whatever their sizes."""
    from accord import InfoNCE
    from accord.training import TrainingTask

    return [
        TrainingTask(name=name, signal=signal, objective=InfoNCE(mask=MASK), weight=1 / len(signal))
        for name, signal in signals.items()
    ]


def _mixed(signals: Mapping[str, Pairs], steps: int, batch: int, seed: int) -> list[TrainingTask]:
    """One task of the very rows that the homogeneous run draws; one pass through them is the whole training."""
    import pyarrow as pa

    from accord import InfoNCE
    from accord.data import BatchStream, Pairs
    from accord.training import TrainingTask

    tables: list[pa.Table] = []
    for name, signal in signals.items():
        stream = BatchStream(len(signal), batch, seed=seed, name=name)
        rows = np.concatenate([stream.rows(k) for k in range(steps // len(signals))])
        table = signal.take(rows).table
        labels = table["label"].to_pylist() if "label" in table.column_names else range(len(rows))
        own = pa.array([f"{name} {label}" for label in labels])  # a row without a label is alone with its own
        tables.append(pa.table({"anchor": table["anchor"], "positive": table["positive"], "label": own}))
    return [TrainingTask(name="mixed", signal=Pairs(pa.concat_tables(tables)), objective=InfoNCE(mask=MASK))]


def _texts(task: str, pairs: Pairs, *, instructed: bool) -> Pairs:
    """Pairs with or without the task's instructions before their texts, in the corpus too."""
    import pyarrow as pa

    from accord.data import Pairs

    query, document = INSTRUCTIONS[task] if instructed else ("", "")
    columns: dict[str, Sequence[Any]] = {
        "id": pairs.ids,
        "anchor": [query + text for text in pairs.column("anchor")],
        "positive": [document + text for text in pairs.column("positive")],
    }
    columns |= {name: pairs.column(name) for name in ("score", "label") if name in pairs.table.column_names}
    new = Pairs(pa.table(columns))
    if pairs.corpus is None:
        return new
    texts = [document + text for text in pairs.corpus.column("text").to_pylist()]
    return new.with_corpus(pa.table({"id": pairs.corpus.column("id"), "text": texts}))


def _scores(model: TextEncoder, study: Study, part: str, *, instructed: bool) -> dict[str, list[float]]:
    """nDCG@10 of each query, by task."""
    from accord import Retrieval

    search = Retrieval(metrics=["nDCG@10"], primary="nDCG@10")
    tests = {name: _texts(name, of[part], instructed=instructed) for name, of in study.parts.items()}
    return {name: search.evaluate(model, test=test)[0].columns["value"].tolist() for name, test in tests.items()}


def _macro(scores: Mapping[str, Sequence[float]]) -> float:
    return float(np.mean([np.mean(values) for values in scores.values()]))


def _factors(cells: Mapping[Cell, Values]) -> dict[str, Any]:
    """Main effects of the two factors, and how much one needs the other."""

    def side(*chosen: Cell) -> Values:
        return {task: np.mean([cells[c][task] for c in chosen], axis=0) for task in ROLES}

    both, batches, words, neither = (("homogeneous", True), ("homogeneous", False), ("mixed", True), ("mixed", False))
    return {
        "homogeneous batches": _row(compare(side(both, batches), side(words, neither))),
        "instructions": _row(compare(side(both, words), side(batches, neither))),
        "interaction": _row(compare(side(both, neither), side(batches, words))),
        "homogeneous batches, without instructions": _row(compare(side(batches), side(neither))),
        "instructions, in mixed batches": _row(compare(side(words), side(neither))),
    }


def _edges(regime: Regime, tuned: Mapping[Cell, Tuned]) -> list[str]:
    """A note when a chosen rate is the first or last of the grid, so that the best may lie beyond."""
    ends = {min(regime.rates), max(regime.rates)}
    at = [f"{batches}{', instructions' if words else ''}" for (batches, words), t in tuned.items() if t.rate in ends]
    return (
        [f"Start `{regime.start.name}`: the chosen rate is at an end of the grid for: {'; '.join(at)}."] if at else []
    )


def _report(regime: Regime, found: Mapping[Cell, Tuned], base: Mapping[str, Any]) -> dict[str, Any]:
    contrast = compare(found[METHOD].values, found[BASELINE].values)
    return {
        "cells": [
            {
                "batches": batches,
                "instructions": instructed,
                "rate": tuned.rate,
                "dev": tuned.dev,
                "test": {task: round(float(v.mean()), 4) for task, v in tuned.values.items()},
                "test_by_seed": np.mean([v.mean(axis=1) for v in tuned.values.values()], axis=0).round(4).tolist(),
            }
            for (batches, instructed), tuned in found.items()
        ],
        "untrained": {task: round(float(np.mean(v)), 4) for task, v in base["test"].items()},
        "contrast": {**_row(contrast), "verdict": contrast.verdict},
        "steps": regime.steps,
    }


def _row(paired: Paired, **names: str) -> dict[str, Any]:
    return {**names, **asdict(paired)}


CLAIM = Claim(
    name="llm_embedder",
    papers=(110,),
    statement=(
        "One encoder for several retrieval tasks learns better from batches drawn from one task, each task with its "
        "instruction, than from mixed batches without instructions."
    ),
    method="homogeneous batches with instructions",
    baseline="mixed batches without instructions",
    metric="nDCG@10, mean of five tasks",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("objectives/contrastive/info_nce.py", "training/loop.py", "training/texts.py", "data/batches.py"),
)
