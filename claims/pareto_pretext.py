"""ParetoGNN, on text: several ways of learning without labels at once, their gradients balanced by MGDA.

The paper trains one graph encoder on several pretext tasks of different philosophies and takes, at each step, the
combination of their gradients that harms none (multiple-gradient descent). Over several uses it beats the plain sum of
the losses and each pretext task alone.

Here the pretext tasks are made of texts: two crops of a document belong together; a text with holes says which tokens
the whole one has; a definition is drawn to the vector of the word that it defines. MGDA is held against the sum of the
same three losses over the same batches; each pretext task alone gets as many examples. Four uses decide together:
search, intents, similarity and question classes. Nothing is trained on their labels.

Not tested: graphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome, Role
from claims.data import corpus_of, cut_down, judged, labelled, parts_of, scored
from claims.definitions import _definitions as definitions_of
from claims.judges import label_values, mean, search_values, similarity_values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study, outcome

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Labelled, Pairs, Scored, Unlabelled
    from accord.training import TrainingTask

__all__ = ["CLAIM"]

ROLES = {
    "documents": Role(folder="scifact", shape="retrieval", what="abstracts to learn from; their train queries for dev"),
    "more documents": Role(folder="pubmedqa", shape="retrieval", what="abstracts to learn from"),
    "entries": Role(folder="wn18rr", shape="entities", what="words and their definitions (entity2text.tsv)"),
    "search": Role(folder="cranfield", shape="retrieval", what="questions and abstracts, only judged by"),
    "intents": Role(folder="banking77", shape="labelled", what="utterances, and others of the same intent"),
    "similarity": Role(folder="stsb", shape="scored", what="sentence pairs with similarity scores"),
    "classes": Role(folder="trec_qc", shape="labelled", what="questions and their classes, for a probe"),
}
PRETEXTS = ("crops", "holes", "definitions")
METHOD, BASELINE = "MGDA", "sum"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of everything; `queries`, `documents` and `pairs` of a test (dev: half)."""

    regimes: tuple[Regime, ...]
    batch: int
    entries: int
    queries: int
    documents: int
    pairs: int
    probe: int
    max_length: int


def _regimes(steps: int) -> tuple[Regime, ...]:
    return (Regime(start=Start(name="two layers", layers=2), steps=steps, rates=(1e-4, 4e-4)),)


SCALES = {
    "quick": Scale(
        regimes=_regimes(40), batch=72, entries=3_000, queries=60, documents=200, pairs=400, probe=800, max_length=64
    ),
    "full": Scale(
        regimes=_regimes(100),
        batch=96,
        entries=8_000,
        queries=150,
        documents=500,
        pairs=1_000,
        probe=2_000,
        max_length=64,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Material:
    """What is trained on and judged by."""

    texts: Unlabelled
    definitions: Labelled
    searches: Mapping[str, Mapping[str, Pairs]]
    pairs: Mapping[str, Scored]
    probe: tuple[Labelled, Labelled]


def run(context: Context) -> Outcome:
    """Balance, sum, and each alone, with every seed."""
    scale = SCALES[context.scale]
    material = _material(context, scale)
    arms = {METHOD: PRETEXTS, BASELINE: PRETEXTS, **{f"{name} alone": (name,) for name in PRETEXTS}}

    def arm(name: str, tasks: Sequence[str]) -> Arm:
        return Arm(
            name=name,
            train=lambda model, cell: _train(model, material, tasks, cell, scale.batch, balanced=name == METHOD),
        )

    def values(model: TextEncoder, part: str) -> dict[str, list[float]]:
        found = search_values(model, material.searches[part])
        return found | similarity_values(model, {"similarity": material.pairs[part]})

    study = Study(
        context=context,
        regimes=scale.regimes,
        arms=[*(arm(name, tasks) for name, tasks in arms.items()), Arm(name="as it is")],
        dev=lambda model, _: mean(values(model, "dev")),
        test=lambda model, _: {**values(model, "test"), **label_values(model, {"classes": material.probe})},
        max_length=scale.max_length,
        shared={
            "scale": {**asdict(scale), "regimes": None},
            "data": {
                "texts": material.texts.fingerprint(),
                "definitions": material.definitions.fingerprint(),
                **{f"{p} {n}": of.fingerprint() for p, tests in material.searches.items() for n, of in tests.items()},
                **{f"{p} similarity": of.fingerprint() for p, of in material.pairs.items()},
            },
        },
    )
    return outcome(
        study.run(),
        method=METHOD,
        baseline=BASELINE,
        further=[*((METHOD, f"{name} alone") for name in PRETEXTS), (METHOD, "as it is"), (BASELINE, "as it is")],
        notes=["Texts in place of graphs; three pretext tasks in place of five."],
    )


def _material(context: Context, scale: Scale) -> Material:
    from accord.data import Unlabelled

    found = [t for role in ("documents", "more documents") for t in corpus_of(context.data[role]).column("text")]
    intents = cut_down(
        parts_of(context.data["intents"], ROLES["intents"]), None, queries=scale.queries, documents=scale.documents
    )
    half = {"queries": scale.queries // 2, "documents": scale.documents // 2}
    searches = {
        "dev": {"search": judged(context.data["documents"], "train", **half), "intents": intents["dev"]},
        "test": {
            "search": judged(context.data["search"], None, queries=scale.queries, documents=scale.documents),
            "intents": intents["test"],
        },
    }
    folder = context.data["classes"]
    return Material(
        texts=Unlabelled({"text": list(dict.fromkeys(found))}),
        definitions=definitions_of(context.data["entries"], scale.entries),
        searches=searches,
        pairs={
            part: _some(scored(context.data["similarity"], part), most)
            for part, most in (("dev", scale.pairs // 2), ("test", scale.pairs))
        },
        probe=(_some(labelled(folder, "train"), scale.probe), labelled(folder, "test")),
    )


def _some(signal: Any, most: int) -> Any:
    from accord.core.random import numpy_generator

    return signal.take(np.sort(numpy_generator(0, "rows").permutation(len(signal))[:most]))


def _train(
    model: TextEncoder, material: Material, names: Sequence[str], cell: Cell, batch: int, *, balanced: bool
) -> Mapping[str, Any]:
    """The tasks share every batch equally."""
    from accord.data.samplers import RoundRobin
    from accord.training import AdamW, Settings, train
    from accord.training.balance import Aggregated

    settings = Settings(
        steps=cell.regime.steps,
        batch=batch,
        batches="mixed",
        sampler=RoundRobin(),
        optimizer=AdamW(lr=cell.rate),
        seed=cell.seed,
        balance=Aggregated(aggregator="MGDA") if balanced else None,
    )
    result = train(model, [_task(model, material, name, cell.seed) for name in names], settings)
    return {"steps": result.steps, "tokens": sum(result.tokens.values())}


def _task(model: TextEncoder, material: Material, name: str, seed: int) -> TrainingTask:
    from accord import InfoNCE
    from accord.data.synthesis import RandomCrops
    from accord.maths.whitening import whitening
    from accord.objectives import BagOfTokens, FixedTargets
    from accord.training import TrainingTask

    if name == "crops":
        pairs = RandomCrops(copies=2).pairs(material.texts, seed=seed)
        return TrainingTask(name=name, signal=pairs, objective=InfoNCE(mask=("text", "label")))
    if name == "holes":
        return TrainingTask(name=name, signal=material.texts, objective=BagOfTokens(rate=0.3))
    vectors = model.encode(np.unique(np.asarray(material.definitions.column("label"))).tolist()).astype(np.float64)
    table = whitening(vectors, symmetric=True, shrinkage=0.05)(vectors)
    return TrainingTask(name=name, signal=material.definitions, objective=FixedTargets(table, temperature=0.05))


CLAIM = Claim(
    name="pareto_pretext",
    papers=(12,),
    statement="Three pretext tasks balanced by MGDA make an encoder of more use than the sum of their losses does.",
    method="gradients of three pretext tasks combined by MGDA at each step",
    baseline="the sum of the three losses over the same batches",
    metric="nDCG@10, Spearman's correlation and a probe's accuracy, mean of four uses",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("training/balance/aggregated.py",),
)
