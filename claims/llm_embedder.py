"""LLM-Embedder: for several retrieval tasks in one encoder, batches of one task, each task with its instruction.

The paper trains one retriever for tasks that understand "relevant" differently. It draws each batch from one task, so
that in-batch negatives are comparable, and puts an instruction of the task before queries and documents. Here both are
switched on and off (four arms); the claim is the arm with both against the arm with neither.

All arms see exactly the same rows equally often, in batches of the same size, for the same number of steps, and choose
their learning rate from the same grid by the mean nDCG@10 on dev splits, with the first seed. A mixed batch is drawn
from all those rows shuffled together. Test splits play no part in the choice. Rows whose texts any dev or test split
holds are dropped from training.

Not tested: the paper's other half, rewards from a language model and their distillation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.core.errors import InputError
from claims.base import Claim, Context, Outcome, Role
from claims.data import cut_down, parts_of, prefixed
from claims.judges import mean, search_values
from claims.paired import compare
from claims.starts import Start
from claims.study import Arm, Cell, Found, Regime, SearchScale, Study, outcome, row

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
MASK = ("text", "label")  # in every arm: neither equal texts nor texts of one label are negatives


def arm_name(batches: str, *, instructed: bool) -> str:
    """How an arm is called in results."""
    return f"{batches} batches, {'instructions' if instructed else 'no instructions'}"


ARMS = {
    arm_name(b, instructed=i): {"batches": b, "instructed": i} for b in ("homogeneous", "mixed") for i in (True, False)
}
METHOD, BASELINE = arm_name("homogeneous", instructed=True), arm_name("mixed", instructed=False)


RATES = (1e-4, 4e-4, 1.5e-3)
SCALES = {
    "quick": SearchScale(
        regimes=(Regime(start=Start(name="two layers", layers=2), steps=50, rates=RATES),),
        batch=32,
        max_length=64,
        queries=100,
        documents=300,
    ),
    "full": SearchScale(
        regimes=(
            Regime(start=Start(name="packaged"), steps=30, rates=(1e-4, 4e-4)),
            Regime(start=Start(name="untrained", layers=2, fresh=True), steps=90, rates=(4e-4, 1.5e-3)),
        ),
        batch=32,
        max_length=64,
        queries=200,
        documents=400,
    ),
}


def run(context: Context) -> Outcome:
    """Train and measure the four arms from every start, with every seed."""
    from accord.data import find_leaks

    scale = SCALES[context.scale]
    whole = {name: parts_of(context.data[name], role) for name, role in ROLES.items()}
    leaks = find_leaks(whole)
    parts = {
        name: cut_down(of, leaks.keep[name], queries=scale.queries, documents=scale.documents)
        for name, of in whole.items()
    }

    def told(arm: Arm) -> bool:
        return bool(arm.options.get("instructed"))

    def arm(name: str, options: Mapping[str, Any]) -> Arm:
        return Arm(
            name=name, train=lambda model, cell: _train(model, parts, cell, scale.batch, **options), options=options
        )

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[*(arm(name, options) for name, options in ARMS.items()), Arm(name="as it is", train=None)],
        dev=lambda model, arm: mean(_scores(model, parts, "dev", instructed=told(arm))),
        test=lambda model, arm: _scores(model, parts, "test", instructed=told(arm)),
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {name: {part: pairs.fingerprint() for part, pairs in of.items()} for name, of in parts.items()},
        },
    )
    found = study.run()
    return outcome(
        found,
        method=METHOD,
        baseline=BASELINE,
        further=[(METHOD, "as it is")],
        details={"factors": _factors(found), "dropped": dict(leaks.dropped)},
        notes=["Half of the paper only: rewards from a language model and their distillation are not tested."],
    )


def _train(
    model: TextEncoder,
    parts: Mapping[str, Mapping[str, Pairs]],
    cell: Cell,
    batch: int,
    *,
    batches: str,
    instructed: bool,
) -> dict[str, Any]:
    from accord.training import AdamW, Settings, train

    steps = cell.regime.steps
    if steps % len(ROLES):
        raise InputError(f"`steps` must be a multiple of {len(ROLES)}, so that tasks have equal shares.")
    signals = {name: _texts(name, of["train"], instructed=instructed) for name, of in parts.items()}
    tasks = _homogeneous(signals) if batches == "homogeneous" else _mixed(signals, steps, batch, cell.seed)
    settings = Settings(steps=steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    result = train(model, tasks, settings)
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
    return prefixed(pairs, *INSTRUCTIONS[task]) if instructed else pairs


def _scores(
    model: TextEncoder, parts: Mapping[str, Mapping[str, Pairs]], part: str, *, instructed: bool
) -> dict[str, list[float]]:
    """nDCG@10 of each query, by task."""
    return search_values(model, {name: _texts(name, of[part], instructed=instructed) for name, of in parts.items()})


def _factors(found: Mapping[str, Mapping[str, Found]]) -> dict[str, Any]:
    """Main effects of the two factors, and how much one needs the other."""

    def side(*chosen: tuple[str, bool]) -> dict[str, np.ndarray]:
        names = [arm_name(batches, instructed=told) for batches, told in chosen]
        return {t: np.mean([arms[n].values[t] for arms in found.values() for n in names], axis=0) for t in ROLES}

    both, batches, words, neither = (("homogeneous", True), ("homogeneous", False), ("mixed", True), ("mixed", False))
    return {
        "homogeneous batches": row(compare(side(both, batches), side(words, neither))),
        "instructions": row(compare(side(both, words), side(batches, neither))),
        "interaction": row(compare(side(both, neither), side(batches, words))),
        "homogeneous batches, without instructions": row(compare(side(batches), side(neither))),
        "instructions, in mixed batches": row(compare(side(words), side(neither))),
    }


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
    method_files=("objectives/contrastive/info_nce.py", "data/batches.py"),
)
